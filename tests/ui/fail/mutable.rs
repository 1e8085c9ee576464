use tenter::task;

#[task]
fn darken(frame: &mut Vec<u16>) {
    frame.iter_mut().for_each(|pixel| *pixel /= 2);
}

fn main() {}
