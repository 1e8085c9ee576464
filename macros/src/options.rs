//! What stands in the parentheses of `#[task(..)]`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitInt, LitStr, Path, Token, parse_quote};

/// The options of a task.
pub(crate) struct Options {
    pub(crate) pure: bool,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: u32,
    pub(crate) call: Option<Ident>,
    /// Where tenter is found.
    pub(crate) tenter: Path,
}

enum Choice {
    Pure,
    Name(LitStr),
    Version(u32),
    Call(Ident),
    Crate(Path),
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self {
            pure: false,
            name: None,
            version: 0,
            call: None,
            tenter: parse_quote!(::tenter),
        };
        for choice in Punctuated::<Choice, Token![,]>::parse_terminated(input)? {
            match choice {
                Choice::Pure => options.pure = true,
                Choice::Name(name) => options.name = Some(name),
                Choice::Version(version) => options.version = version,
                Choice::Call(call) => options.call = Some(call),
                Choice::Crate(path) => options.tenter = path,
            }
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
        let known = ["name", "version", "call"];
        if !known.iter().any(|known| option == known) {
            let text = "a task has no such option: give `pure`, `name = \"..\"`, `version = 1`, `call = TypeName` or \
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
