//! Says that it is there, and waits to be ended.

fn main() {
    println!("ready");
    loop {
        std::thread::park();
    }
}
