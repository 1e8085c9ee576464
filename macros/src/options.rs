//! What stands in the parentheses of `#[task(..)]`.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitInt, LitStr, Path, Token, parse_quote};

/// The options of a task.
pub(crate) struct Options {
    pub(crate) pure: bool,
    /// What the function gives is the state of an actor.
    pub(crate) actor: bool,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: u32,
    pub(crate) call: Option<Ident>,
    /// Where tenter is found.
    pub(crate) tenter: Path,
}

enum Choice {
    Pure,
    Actor,
    Name(LitStr),
    Version(u32),
    Call(Ident),
    Crate(Path),
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self {
            pure: false,
            actor: false,
            name: None,
            version: 0,
            call: None,
            tenter: parse_quote!(::tenter),
        };
        for choice in Punctuated::<Choice, Token![,]>::parse_terminated(input)? {
            match choice {
                Choice::Pure => options.pure = true,
                Choice::Actor => options.actor = true,
                Choice::Name(name) => options.name = Some(name),
                Choice::Version(version) => options.version = version,
                Choice::Call(call) => options.call = Some(call),
                Choice::Crate(path) => options.tenter = path,
            }
        }
        if options.pure && options.actor {
            let text = "an actor has a state of its own each time that it is made, so what makes it is not pure: leave one \
                        of the two out";
            return Err(Error::new(Span::call_site(), text));
        }
        Ok(options)
    }
}

impl Parse for Choice {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Token![crate]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            return Path::parse_mod_style(input).map(Self::Crate);
        }
        let option: Ident = input.parse()?;
        if option == "pure" {
            return Ok(Self::Pure);
        }
        if option == "actor" {
            return Ok(Self::Actor);
        }
        let known = ["name", "version", "call"];
        if !known.iter().any(|known| option == known) {
            let text = "a task has no such option: give `pure`, `actor`, `name = \"..\"`, `version = 1`, `call = TypeName` or \
                        `crate = path`";
            return Err(Error::new(option.span(), text));
        }
        input.parse::<Token![=]>()?;
        if option == "call" {
            return input.parse().map(Self::Call);
        }
        if option == "version" {
            let number: LitInt = input.parse()?;
            return number.base10_parse().map(Self::Version);
        }
        let name: LitStr = input.parse()?;
        if name.value().is_empty() {
            return Err(Error::new(
                name.span(),
                "a task's name cannot be empty: leave `name` out to have its path",
            ));
        }
        Ok(Self::Name(name))
    }
}
