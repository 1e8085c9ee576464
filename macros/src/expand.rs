//! The code that stands beside a task's function.
//!
//! As little as possible, since it is compiled for every task: a type without values, a static that says what the function is,
//! and `call`. Everything else is generic over the signature, in tenter.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, ItemFn, Type};

use crate::function::{self, Outcome, Parameter};
use crate::options::Options;
use crate::refuse;

/// The function, and what goes with it; or the function, and what is wrong with it.
pub(crate) fn expand(options: &Options, function: ItemFn) -> TokenStream {
    let beside = beside(options, &function).unwrap_or_else(|error| error.into_compile_error());
    quote! {
        #function
        #beside
    }
}

fn beside(options: &Options, function: &ItemFn) -> syn::Result<TokenStream> {
    refuse::check(function)?;
    let state = function::state(function)?;
    if state.is_some() {
        refuse::check_method(options, function)?;
    }
    let task = Task {
        options,
        function,
        parameters: function::parameters(function, state.is_some())?,
        outcome: function::outcome(options, function)?,
        state,
    };
    let of = task.of();
    let visibility = &function.vis;
    let conditions = function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions = quote!(#(#conditions)*);
    let ident = &function.sig.ident;
    let what = if task.state.is_some() {
        "method"
    } else {
        "task"
    };
    let type_doc = format!("The {what} [`{ident}`](fn@{ident}).");
    let (definition, call, checks) = (task.definition(), task.call(), task.checks());
    // The checks come first, as the compiler's words on them should.
    Ok(quote! {
        #(#conditions const _: () = #checks;)*

        #conditions
        #[doc = #type_doc]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations, missing_copy_implementations)]
        #visibility enum #of {}

        #conditions
        #[allow(dead_code)]
        impl #of {
            #definition
            #call
        }
    })
}

/// A function that is to be a task, and what was read of it.
struct Task<'f> {
    options: &'f Options,
    function: &'f ItemFn,
    parameters: Vec<Parameter>,
    outcome: Outcome,
    /// Of an actor's method: what it runs on.
    state: Option<Type>,
}

impl<'f> Task<'f> {
    /// The name of its type.
    fn of(&self) -> &'f Ident {
        self.options
            .call
            .as_ref()
            .unwrap_or(&self.function.sig.ident)
    }

    /// The static that says what the function is, and its registration.
    fn definition(&self) -> TokenStream {
        let Self {
            options, function, ..
        } = self;
        let tenter = &options.tenter;
        let visibility = &function.vis;
        let of = self.of();
        let name = match &options.name {
            Some(name) => quote!(#name),
            None => {
                let ident = function::plain(&function.sig.ident);
                quote!(concat!(module_path!(), "::", #ident))
            }
        };
        let (pure, version) = (options.pure, options.version);
        let signature = function::signature(function);
        let signature_hash = function::signature_hash(&signature, version);
        let (args, gathers) = (self.args(), self.gathers());
        let result = self.result();
        let run = self.run();
        let houses = options.actor;
        let (kind, registered) = match &self.state {
            None => (quote!(Definition<#args, #result>), quote!(Task)),
            Some(state) => (
                quote!(MethodDefinition<#state, #args, #result>),
                quote!(Method),
            ),
        };
        let (maker, itself) = match &self.state {
            None => (quote!(Definition), Some(quote!(&TASK))),
            Some(_) => (quote!(MethodDefinition), None),
        };
        quote! {
            #[doc(hidden)]
            #visibility const TASK: &'static #tenter::__task::#kind = {
                static TASK: #tenter::__task::#kind = #tenter::__task::#maker::new(
                    #tenter::__task::Info {
                        name: #name,
                        version: #version,
                        pure: #pure,
                        houses: #houses,
                        signature: #signature,
                        signature_hash: #signature_hash,
                        file: file!(),
                        line: line!(),
                        of: ::core::any::TypeId::of::<#of>(),
                        gathers: #gathers,
                    },
                    #run,
                    #itself
                );
                #tenter::__task::inventory::submit!(#tenter::__task::Registered::#registered(&TASK));
                &TASK
            };
        }
    }

    /// The type of what a call gives.
    fn result(&self) -> TokenStream {
        let (tenter, of) = (&self.options.tenter, &self.outcome.of);
        if self.options.actor {
            quote!(#tenter::__task::Housed<#of>)
        } else {
            quote!(#of)
        }
    }

    /// How the function takes its arguments, as a tuple.
    fn args(&self) -> TokenStream {
        let Self {
            options,
            function,
            parameters,
            ..
        } = self;
        let tenter = &options.tenter;
        let kinds = parameters.iter().map(|Parameter { of, borrowed, .. }| {
            let kind = match (borrowed, &function.sig.asyncness, &self.state) {
                (false, _, None) => quote!(Own),
                (true, None, None) => quote!(Lend),
                (true, Some(_), None) => quote!(Keep),
                (false, _, Some(_)) => quote!(Pass),
                (true, _, Some(_)) => quote!(Show),
            };
            quote_spanned!(of.span()=> #tenter::__task::#kind<#of>)
        });
        quote!((#(#kinds,)*))
    }

    /// How arguments are gathered, up to the last that may be.
    fn gathers(&self) -> TokenStream {
        let tenter = &self.options.tenter;
        let types: Vec<_> = self
            .parameters
            .iter()
            .map(|parameter| &parameter.of)
            .collect();
        let Some(last) = types.iter().rposition(|of| function::may_be_vec(of)) else {
            return quote!(&[]);
        };
        let gathers = types[..=last]
            .iter()
            .map(|of| match function::may_be_vec(of) {
                true => quote!(#tenter::__task::Probe::<#of>::GATHER),
                false => quote!(::core::option::Option::None),
            });
        quote!({
            #[allow(unused_imports)]
            use #tenter::__task::ProbePlain as _;
            &[#(#gathers),*]
        })
    }

    /// Calls the function with what it is given, and makes its outcome uniform.
    fn run(&self) -> TokenStream {
        let Self {
            options,
            function,
            parameters,
            outcome,
            ..
        } = self;
        let tenter = &options.tenter;
        let name = &function.sig.ident;
        let given: Vec<_> = (0..parameters.len())
            .map(|k| function::ours(&format!("arg{k}")))
            .collect();
        let is_async = function.sig.asyncness.is_some();
        let passed = parameters.iter().zip(&given).map(|(parameter, given)| {
            if is_async && parameter.borrowed {
                quote!(&*#given)
            } else {
                quote!(#given)
            }
        });
        let state = self.state.as_ref().map(|_| function::ours("state"));
        let first = state.iter();
        let called = quote!(#name(#(#first,)* #(#passed),*));
        let called = if is_async {
            quote!(#called.await)
        } else {
            called
        };
        let called = match (options.actor, &outcome.error) {
            (false, _) => called,
            (true, None) => quote!(#tenter::__task::house(#called)),
            (true, Some(_)) => quote!(#called.map(#tenter::__task::house)),
        };
        let body = match (is_async, &outcome.error) {
            (false, None) => quote!(::core::result::Result::Ok(#called)),
            (true, None) => quote!(#tenter::__task::later(async move { #called })),
            (false, Some(error)) => {
                let fallible =
                    quote_spanned!(error.span()=> #tenter::__task::fallible::<_, #error>);
                quote!(#fallible(#called))
            }
            (true, Some(error)) => {
                let fallible =
                    quote_spanned!(error.span()=> #tenter::__task::later_fallible::<_, #error>);
                quote!(#fallible(async move { #called }))
            }
        };
        let first = state.iter();
        quote!(|#(#first,)* (#(#given,)*)| #body)
    }

    /// The function that describes a call.
    fn call(&self) -> TokenStream {
        let Self {
            options,
            function,
            parameters,
            ..
        } = self;
        let tenter = &options.tenter;
        let visibility = &function.vis;
        let name = &function.sig.ident;
        let result = self.result();
        let (what, call, definition) = match (&self.state, options.actor) {
            (None, false) => ("to be submitted", quote!(Call<#result>), quote!(Definition)),
            (None, true) => (
                "which makes the state of an actor",
                quote!(Call<#result>),
                quote!(Definition),
            ),
            (Some(state), _) => (
                "to be made of an actor",
                quote!(Method<#state, #result>),
                quote!(MethodDefinition),
            ),
        };
        let doc = format!("Describes a call of [`{name}`](fn@{name}), {what}.");
        let names: Vec<_> = parameters.iter().map(|parameter| &parameter.name).collect();
        // Of ours, whatever the parameters are called.
        let (parts, args) = (function::ours("parts"), function::ours("args"));
        let types = parameters.iter().map(|parameter| &parameter.of);
        quote! {
            #[doc = #doc]
            #[track_caller]
            #visibility fn call(#(#names: impl #tenter::__task::IntoArg<#types>),*) -> #tenter::__task::#call {
                let mut #parts = #tenter::__task::Parts::default();
                let #args = (#(#tenter::__task::IntoArg::into_arg(#names, &mut #parts),)*);
                #tenter::__task::#definition::call(Self::TASK, #args, #parts)
            }
        }
    }

    /// What must hold of the types, each where it is written: else the compiler would point at the attribute.
    fn checks(&self) -> Vec<TokenStream> {
        let Self {
            options,
            parameters,
            outcome,
            ..
        } = self;
        let tenter = &options.tenter;
        let mut checks = Vec::new();
        for Parameter { of, borrowed, .. } in parameters {
            if function::is_doubtful(of) {
                let check = if *borrowed {
                    quote!(portable)
                } else {
                    quote!(argument)
                };
                checks.push(quote_spanned!(of.span()=> #tenter::__task::#check::<#of>()));
            }
        }
        let of = &outcome.of;
        if options.actor {
            checks.push(quote_spanned!(of.span()=> #tenter::__task::state::<#of>()));
        } else if function::is_doubtful(of) {
            checks.push(quote_spanned!(of.span()=> #tenter::__task::portable::<#of>()));
        }
        if let Some(state) = &self.state {
            checks.push(quote_spanned!(state.span()=> #tenter::__task::state::<#state>()));
        }
        if outcome.error.is_none() && function::is_doubtful(of) {
            let text = "this type is a `Result` under another name, which hides the error from the task: write `Result<T, E>` out";
            checks.push(quote_spanned! {of.span()=> {
                #[allow(unused_imports)]
                use #tenter::__task::ProbePlain as _;
                assert!(!#tenter::__task::Probe::<#of>::IS_RESULT, #text)
            }});
        }
        checks
    }
}
