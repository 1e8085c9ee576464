//! The `#[task]` attribute of [tenter](https://docs.rs/tenter): use it from there.

mod expand;
mod function;
mod options;
mod refuse;

use proc_macro::TokenStream;
use syn::{ItemFn, parse_macro_input};

use options::Options;

/// Makes a function one whose calls can be submitted, and can travel to other processes.
///
/// The function stays as it is. Beside it there is a type of the same name, with a function `call` that takes what the
/// function takes, or handles or calls that give it, and gives a `Call`:
///
/// ```
/// use tenter::{Client, task};
///
/// #[task]
/// fn scale(frame: &[f64], by: f64) -> Vec<f64> {
///     frame.iter().map(|pixel| pixel * by).collect()
/// }
///
/// let client = Client::new()?;
/// let raw = client.scatter(vec![1.0, 2.0]);
/// let scaled = client.submit(scale::call(&raw, 10.0));
/// assert_eq!(*scaled.result()?, scale(&[1.0, 2.0], 10.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What the function may be
///
/// * A free function, `async` or not. Its parameters are `T` or `&T` of a type that can be cloned (not needed for `&T`),
///   serialized and shared between threads; `&str` and `&[T]` stand for `&String` and `&Vec<T>`. Up to twelve.
/// * Its result is such a type too, or a `Result<T, E>` of one, whose error becomes the task's: any error type, a `String`,
///   a boxed error or a `TaskError`. It must be written as `Result<T, E>`, since an attribute cannot look behind another
///   name.
/// * What cannot work is a compile error that says what to do instead.
///
/// # Actors
///
/// With `actor`, the function gives the state of an actor, which need not be one that can be encoded: `Client::actor` takes its
/// calls. A function whose first parameter is `&mut S` is a method of actors with that state: `call` takes its other
/// parameters, and gives a `Method`, which `Actor::call` takes. One that only reads the state takes `&mut S` all the same: `&S` is
/// a parameter as others. A method is not `async`, nor `pure`, and is no task.
///
/// ```
/// use tenter::{Client, task};
///
/// #[task(actor)]
/// fn log(first: &str) -> Vec<String> {
///     vec![first.to_owned()]
/// }
///
/// #[task]
/// fn note(log: &mut Vec<String>, line: String) -> usize {
///     log.push(line);
///     log.len()
/// }
///
/// let client = Client::connect("inproc")?;
/// let log = client.actor(log::call("started"));
/// assert_eq!(*log.call(note::call("done".to_owned())).result()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Options
///
/// `#[task(pure, name = "fit", version = 2, call = Fit, crate = reexported::tenter)]`
///
/// * `pure`: the result follows from the arguments. Calls with the same arguments are one task, and its result is
///   remembered for a while. An argument that is a handle counts as its key, or as that very task if it has none; floats by
///   their bits, so that a NaN is itself; entries of a map in any order, but elements of a `HashSet` in the order in which
///   it gives them: use a `BTreeSet`.
/// * `actor`: the result is the state of an actor.
/// * `name`: what the task is called, in errors and by other processes; else its path. Two of one name are an error when a
///   client starts. Functions in the bodies of other functions have the path of their module.
/// * `version`: to be raised when the function begins to give other results.
/// * `call`: the name of the type that `call` is a function of. Needed where a module or a crate of the function's name is in
///   scope, or the other way round: `mod parse; use parse::parse;`.
/// * `crate`: where tenter is found, if not at `::tenter`.
#[proc_macro_attribute]
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as Options);
    let item = item.into();
    let function = match syn::parse2::<ItemFn>(item) {
        Ok(function) => function,
        Err(error) => return refuse::not_a_function(&error).into_compile_error().into(),
    };
    expand::expand(&options, function).into()
}
