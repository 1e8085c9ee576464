use tenter::task;

#[task]
fn darken(by: u16, frame: &mut Vec<u16>) {
    frame.iter_mut().for_each(|pixel| *pixel /= by);
}

fn main() {}
