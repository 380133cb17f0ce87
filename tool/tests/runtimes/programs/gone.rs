//! Prints its name and ends; named `removed`, it removes its file before.

fn main() {
    let own = std::env::args().next().expect("it has a name");
    if own.ends_with("/removed") {
        std::fs::remove_file(&own).expect("it can be removed");
    }
    println!("{own}");
}
