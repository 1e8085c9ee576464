//! What cannot be a task, and what to write instead.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Error, ItemFn, Lifetime, Token, Type, TypeBareFn, TypeImplTrait, TypeReference};

use crate::options::Options;

/// What is said of anything that is no function with a body.
pub(crate) fn not_a_function(error: &Error) -> Error {
    Error::new(
        error.span(),
        "`#[task]` goes on a free function with a body",
    )
}

/// The first thing about the function itself that cannot work.
pub(crate) fn check(function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    let refuse = |what: &dyn ToTokens, text: &str| Err(Error::new_spanned(what, text));
    if let Some(word) = &signature.constness {
        return refuse(
            word,
            "a task cannot be a `const fn`: call the `const fn` from a function that is the task",
        );
    }
    if let Some(word) = &signature.unsafety {
        return refuse(
            word,
            "a task cannot be `unsafe`, since whoever runs it promises nothing: call the `unsafe fn` from a safe function that is the task",
        );
    }
    if let Some(abi) = &signature.abi {
        return refuse(
            abi,
            "a task cannot be an `extern` function: call it from a function that is the task",
        );
    }
    if let Some(variadic) = &signature.variadic {
        return refuse(variadic, "a task cannot be variadic: take a `Vec`");
    }
    let generics = &signature.generics;
    if let Some(lifetime) = generics.lifetimes().next() {
        return refuse(
            lifetime,
            "a task cannot name lifetimes: take `&T` without one, and give a result that owns what it holds",
        );
    }
    if let Some(parameter) = generics.params.first() {
        return refuse(
            parameter,
            "a task cannot be generic, since another process must find it by its name: write a task for each type, and have them call the generic function",
        );
    }
    if let Some(clause) = &generics.where_clause {
        return refuse(
            clause,
            "a task cannot have a `where` clause: it has no generic parameters",
        );
    }
    Ok(())
}

/// What a type in a signature is the type of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The outermost `&` is off already.
    Parameter,
    Result,
    /// Of an actor: it stays where it is.
    State,
    /// It need not be decoded: what is left of it elsewhere is its text.
    Error,
}

/// The first thing in a type that cannot be in a task's signature.
pub(crate) fn check_type(ty: &Type, part: Part) -> syn::Result<()> {
    let mut search = Search { part, found: None };
    search.visit_type(ty);
    search.found.map_or(Ok(()), Err)
}

struct Search {
    part: Part,
    found: Option<Error>,
}

impl Search {
    fn refuse(&mut self, what: &dyn ToTokens, text: &str) {
        self.found
            .get_or_insert_with(|| Error::new_spanned(what, text));
    }

    fn borrowed(&mut self, what: &dyn ToTokens) {
        let text = if self.part == Part::Error {
            "a task cannot give a borrowed error, since what it borrows from ends with the task: give an owned one, such as \
             `String` for `&str`"
        } else if self.part == Part::State {
            "an actor's state owns what it holds, since it lives on when what made it has ended: `String` for `&str`"
        } else if self.part == Part::Result {
            "a task cannot give a borrowed result, since what it borrows from ends with the task: give an owned one, such as \
             `String` for `&str` or `Vec<T>` for `&[T]`"
        } else {
            "a task's parameter is `T` or `&T` of an owned type: what is inside of `T` cannot be borrowed"
        };
        self.refuse(what, text);
    }
}

impl<'ast> Visit<'ast> for Search {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let lifetime = reference.lifetime.as_ref();
        if self.part == Part::Error && lifetime.is_some_and(|of| of.ident == "static") {
            return;
        }
        self.borrowed(reference);
    }

    /// What is `'static` owns what it holds, or can: a `Cow<'static, str>`.
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.borrowed(lifetime);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        let text = if self.part == Part::State {
            "an actor's state must be a type with a name, since its methods take it: write it out"
        } else if self.part == Part::Result {
            "a task's result must be a type with a name, since it is decoded elsewhere: write it out, or give a `Vec` of what \
             it iterates over"
        } else {
            "a task's parameter must be a type with a name, since another process decodes it: write out one"
        };
        self.refuse(ty, text);
    }

    fn visit_type_bare_fn(&mut self, ty: &'ast TypeBareFn) {
        if matches!(self.part, Part::Error | Part::State) {
            return;
        }
        self.refuse(
            ty,
            "a function cannot travel: take an `enum` that says which one",
        );
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            _ if matches!(self.part, Part::Error | Part::State) => visit::visit_type(self, ty),
            Type::TraitObject(object) => self.refuse(object,
                "a trait object cannot be decoded, since its type is not known: use an `enum` of the types that there are",
            ),
            Type::Ptr(pointer) => self.refuse(pointer,
                "a pointer means nothing in another process: use an owned type",
            ),
            Type::Never(never) => self.refuse(never,
                "a task must give something: leave the result out, or write `()`",
            ),
            Type::Infer(hole) => self.refuse(hole, "write the type out"),
            Type::Path(path) if path.path.is_ident("Self") => self.refuse(path,
                "a task is a free function, outside of any `impl`: name the type",
            ),
            _ => visit::visit_type(self, ty),
        }
    }
}

/// What is said of a parameter `&mut T` that is not the first.
pub(crate) fn mutable(word: &Token![mut]) -> Error {
    Error::new_spanned(
        word,
        "a task cannot change what others read: take `T` by value and give the changed one back; only the first parameter of \
         an actor's method is `&mut`: the actor's state",
    )
}

/// What cannot be the state that a method runs on.
pub(crate) fn check_state(reference: &TypeReference) -> syn::Result<()> {
    if let Some(lifetime) = &reference.lifetime {
        let text = "a method has its actor's state for as long as it runs, and no longer: leave the lifetime out";
        return Err(Error::new_spanned(lifetime, text));
    }
    let text = match &*reference.elem {
        Type::Slice(_) => "an actor's state is a value that it owns: take `&mut Vec<T>`",
        Type::Path(path) if path.path.is_ident("str") => {
            "an actor's state is a value that it owns: take `&mut String`"
        }
        Type::TraitObject(_) => "an actor's state is a value that it owns: take `&mut Box<dyn ..>`",
        other => return check_type(other, Part::State),
    };
    Err(Error::new_spanned(&reference.elem, text))
}

/// What a method cannot be besides one.
pub(crate) fn check_method(options: &Options, function: &ItemFn) -> syn::Result<()> {
    let refuse = |what: &dyn ToTokens, text: &str| Err(Error::new_spanned(what, text));
    if let Some(word) = &function.sig.asyncness {
        return refuse(
            word,
            "an actor's method cannot be `async`, since no other can begin before it has ended: block in it, or give what \
             is to be awaited to a task",
        );
    }
    if options.pure {
        let text = "an actor's method changes its state, so what it gives does not follow from its arguments: leave `pure` out";
        return refuse(&function.sig.ident, text);
    }
    if options.actor {
        let text = "an actor's method takes its state, and what makes a state takes none: `actor` goes on the function that \
                    gives it";
        return refuse(&function.sig.ident, text);
    }
    Ok(())
}
