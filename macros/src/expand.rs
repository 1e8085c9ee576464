//! The code that stands beside a task's function.
//!
//! As little as possible, since it is compiled for every task: a type without values, a static that says what the function is,
//! and `call`. Everything else is generic over the signature, in tenter.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, ItemFn};

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
    let task = Task {
        options,
        function,
        parameters: function::parameters(function)?,
        outcome: function::outcome(function)?,
    };
    let of = task.of();
    let visibility = &function.vis;
    let conditions = function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions = quote!(#(#conditions)*);
    let ident = &function.sig.ident;
    let type_doc = format!("The task [`{ident}`](fn@{ident}).");
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
            options,
            function,
            outcome,
            ..
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
        let args = self.args();
        let result = &outcome.of;
        let run = self.run();
        quote! {
            #[doc(hidden)]
            #visibility const TASK: &'static #tenter::__task::Definition<#args, #result> = {
                static TASK: #tenter::__task::Definition<#args, #result> = #tenter::__task::Definition::new(
                    #tenter::__task::Info {
                        name: #name,
                        version: #version,
                        pure: #pure,
                        signature: #signature,
                        signature_hash: #signature_hash,
                        file: file!(),
                        line: line!(),
                        of: ::core::any::TypeId::of::<#of>(),
                    },
                    #run,
                    &TASK,
                );
                #tenter::__task::inventory::submit!(#tenter::__task::Registered(&TASK));
                &TASK
            };
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
            let kind = match (borrowed, &function.sig.asyncness) {
                (false, _) => quote!(Own),
                (true, None) => quote!(Lend),
                (true, Some(_)) => quote!(Keep),
            };
            quote_spanned!(of.span()=> #tenter::__task::#kind<#of>)
        });
        quote!((#(#kinds,)*))
    }

    /// Calls the function with what it is given, and makes its outcome uniform.
    fn run(&self) -> TokenStream {
        let Self {
            options,
            function,
            parameters,
            outcome,
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
        let called = quote!(#name(#(#passed),*));
        let body = match (is_async, &outcome.error) {
            (false, None) => quote!(::core::result::Result::Ok(#called)),
            (true, None) => quote!(#tenter::__task::later(async move { #called.await })),
            (false, Some(error)) => {
                let fallible =
                    quote_spanned!(error.span()=> #tenter::__task::fallible::<_, #error>);
                quote!(#fallible(#called))
            }
            (true, Some(error)) => {
                let fallible =
                    quote_spanned!(error.span()=> #tenter::__task::later_fallible::<_, #error>);
                quote!(#fallible(async move { #called.await }))
            }
        };
        quote!(|(#(#given,)*)| #body)
    }

    /// The function that describes a call.
    fn call(&self) -> TokenStream {
        let Self {
            options,
            function,
            parameters,
            outcome,
        } = self;
        let tenter = &options.tenter;
        let visibility = &function.vis;
        let name = &function.sig.ident;
        let doc = format!("Describes a call of [`{name}`](fn@{name}), to be submitted.");
        let result = &outcome.of;
        let names: Vec<_> = parameters.iter().map(|parameter| &parameter.name).collect();
        // Of ours, whatever the parameters are called.
        let (parts, args) = (function::ours("parts"), function::ours("args"));
        let types = parameters.iter().map(|parameter| &parameter.of);
        quote! {
            #[doc = #doc]
            #[track_caller]
            #visibility fn call(#(#names: impl #tenter::__task::IntoArg<#types>),*) -> #tenter::__task::Call<#result> {
                let mut #parts = #tenter::__task::Parts::default();
                let #args = (#(#tenter::__task::IntoArg::into_arg(#names, &mut #parts),)*);
                #tenter::__task::Definition::call(Self::TASK, #args, #parts)
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
        if function::is_doubtful(of) {
            checks.push(quote_spanned!(of.span()=> #tenter::__task::portable::<#of>()));
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
