//! What the attribute sees of a function: how it takes its arguments, and what it gives.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{
    Error, FnArg, GenericArgument, Ident, ItemFn, Pat, PathArguments, ReturnType, Type, TypeGroup,
    TypeParen, parse_quote,
};

use crate::options::Options;

use crate::refuse::{self, Part};

/// As many as tuples have traits.
const MOST_PARAMETERS: usize = 12;

/// A parameter.
pub(crate) struct Parameter {
    /// As in the function, for whoever calls `call`.
    pub(crate) name: Ident,
    /// The type of the argument: what is borrowed, without the borrow.
    pub(crate) of: Type,
    pub(crate) borrowed: bool,
}

/// What a function gives.
pub(crate) struct Outcome {
    /// The type of the result.
    pub(crate) of: Type,
    /// The type of the error, if it may fail.
    pub(crate) error: Option<Type>,
}

/// The type of the state that a method runs on: what its first parameter borrows mutably.
pub(crate) fn state(function: &ItemFn) -> syn::Result<Option<Type>> {
    let Some(FnArg::Typed(first)) = function.sig.inputs.first() else {
        return Ok(None);
    };
    let mut ty = &*first.ty;
    while let Type::Group(TypeGroup { elem, .. }) | Type::Paren(TypeParen { elem, .. }) = ty {
        ty = elem;
    }
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            refuse::check_state(reference)?;
            Ok(Some((*reference.elem).clone()))
        }
        _ => Ok(None),
    }
}

/// The parameters of a function, without the state of a method.
pub(crate) fn parameters(function: &ItemFn, is_method: bool) -> syn::Result<Vec<Parameter>> {
    let inputs = function.sig.inputs.iter().skip(usize::from(is_method));
    if let Some(one) = inputs.clone().nth(MOST_PARAMETERS) {
        let text = "a task takes up to 12 parameters: put some of them in a struct";
        return Err(Error::new_spanned(one, text));
    }
    inputs.map(parameter).collect()
}

fn parameter(input: &FnArg) -> syn::Result<Parameter> {
    let typed = match input {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) => {
            let text =
                "a task is a free function, without `self`: take what it needs as a parameter";
            return Err(Error::new_spanned(receiver, text));
        }
    };
    let name = match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident.clone(),
        other => {
            let text =
                "give the parameter a name, since `call` has it too, and take it apart in the body";
            return Err(Error::new_spanned(other, text));
        }
    };
    let (of, borrowed) = argument(&typed.ty)?;
    refuse::check_type(&of, Part::Parameter)?;
    Ok(Parameter { name, of, borrowed })
}

/// The type of the argument, and whether it is borrowed.
fn argument(ty: &Type) -> syn::Result<(Type, bool)> {
    match ty {
        Type::Group(group) => argument(&group.elem),
        Type::Paren(paren) => argument(&paren.elem),
        Type::Reference(reference) => {
            if let Some(lifetime) = &reference.lifetime {
                let text = "a task's parameter is borrowed for as long as the task runs, and no longer: leave the lifetime out";
                return Err(Error::new_spanned(lifetime, text));
            }
            if let Some(word) = &reference.mutability {
                return Err(refuse::mutable(word));
            }
            Ok((owned(&reference.elem), true))
        }
        other => Ok((other.clone(), false)),
    }
}

/// What owns a borrowed `str` or slice.
fn owned(ty: &Type) -> Type {
    match ty {
        Type::Path(path) if path.path.is_ident("str") => parse_quote!(::std::string::String),
        Type::Slice(slice) => {
            let of = &slice.elem;
            parse_quote!(::std::vec::Vec<#of>)
        }
        other => other.clone(),
    }
}

/// What a function gives.
pub(crate) fn outcome(options: &Options, function: &ItemFn) -> syn::Result<Outcome> {
    let part = if options.actor {
        Part::State
    } else {
        Part::Result
    };
    let ReturnType::Type(_, ty) = &function.sig.output else {
        return Ok(Outcome {
            of: parse_quote!(()),
            error: None,
        });
    };
    let arguments = match &**ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .filter(|last| last.ident == "Result"),
        _ => None,
    };
    let Some(last) = arguments else {
        refuse::check_type(ty, part)?;
        return Ok(Outcome {
            of: (**ty).clone(),
            error: None,
        });
    };
    match types(&last.arguments)[..] {
        [of, error] => {
            refuse::check_type(of, part)?;
            refuse::check_type(error, Part::Error)?;
            Ok(Outcome {
                of: of.clone(),
                error: Some(error.clone()),
            })
        }
        _ => Err(hidden(ty)),
    }
}

fn hidden(ty: &Type) -> Error {
    let text = "this hides the type of the error, which a task must know: write `Result<T, E>` with both types, such as \
                `Result<T, std::io::Error>` for `io::Result<T>`";
    Error::new_spanned(ty, text)
}

fn types(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.flatten().collect()
}

/// Whether a type may be one that cannot travel, or another name of a `Result`. Of those that everybody knows it is not asked, which
/// would take its time.
pub(crate) fn is_doubtful(ty: &Type) -> bool {
    const KNOWN: [&str; 26] = [
        "bool",
        "char",
        "f32",
        "f64",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "String",
        "Vec",
        "Option",
        "Box",
        "Arc",
        "HashMap",
        "BTreeMap",
        "BTreeSet",
        "HashSet",
        "TaskFuture",
    ];
    let Type::Path(path) = ty else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|last| KNOWN.iter().all(|known| last.ident != known))
}

/// Whether a type is a `Vec`, or may be one under another name.
pub(crate) fn may_be_vec(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == "Vec") || is_doubtful(ty)
}

/// The signature as text, without spaces that say nothing.
pub(crate) fn signature(function: &ItemFn) -> String {
    let types: Vec<String> = function
        .sig
        .inputs
        .iter()
        .map(|input| match input {
            FnArg::Typed(typed) => text(typed.ty.to_token_stream()),
            FnArg::Receiver(receiver) => text(receiver.to_token_stream()),
        })
        .collect();
    let result = match &function.sig.output {
        ReturnType::Default => String::new(),
        ReturnType::Type(_, ty) => format!(" -> {}", text(ty.to_token_stream())),
    };
    let word = if function.sig.asyncness.is_some() {
        "async fn"
    } else {
        "fn"
    };
    format!("{word}({}){result}", types.join(", "))
}

/// Tokens as rustfmt would write a type.
fn text(tokens: TokenStream) -> String {
    let spaced = tokens.to_string();
    let mut text = String::with_capacity(spaced.len());
    for part in spaced.split(' ') {
        let joins = text.ends_with(|last: char| last.is_alphanumeric() || last == '_')
            && part.starts_with(|first: char| first.is_alphanumeric() || first == '_');
        if joins || text.ends_with([',', ';', '=', '+']) || part.starts_with(['=', '+']) {
            text.push(' ');
        }
        text.push_str(part);
    }
    text
}

/// A hash of the signature and the version: FNV-1a, which is stable and enough for texts that nobody forges.
pub(crate) fn signature_hash(signature: &str, version: u32) -> u64 {
    let bytes = signature.bytes().chain(version.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// An identifier without the `r#` of a raw one.
pub(crate) fn plain(name: &Ident) -> String {
    name.unraw().to_string()
}

/// A name that cannot be one of the user's.
pub(crate) fn ours(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
