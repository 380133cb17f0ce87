use copytax::{model::Engine, probe::Session};
use copytax_common::{Filter, FilterMode, TARGET_ACTIVE, TARGET_FOLLOW};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let engine = if args[1] == "raw" {
        Engine::Raw
    } else {
        Engine::Tracepoint
    };
    let mut f = Filter::all(std::process::id());
    if args.len() > 3 {
        f.mode = FilterMode::Pids as u32;
    }
    let t = std::time::Instant::now();
    let mut s = match Session::load(engine, &f) {
        Ok(s) => s,
        Err(e) => {
            println!("{e}");
            return;
        }
    };
    println!("load {:?}", t.elapsed());
    if args.len() > 3 {
        s.set_target(args[3].parse().unwrap(), TARGET_ACTIVE | TARGET_FOLLOW)
            .unwrap();
    }
    s.attach().unwrap();
    println!("attached {:?}", t.elapsed());
    std::thread::sleep(std::time::Duration::from_secs_f64(args[2].parse().unwrap()));
    let t = std::time::Instant::now();
    s.detach();
    println!("detach {:?}", t.elapsed());
    let mut f = s.flows().unwrap();
    f.sort_by_key(|f| std::cmp::Reverse(f.bytes));
    for f in f.iter().take(40) {
        println!(
            "{} {} {} -> {} {} bytes {} calls {} first {}",
            f.process.pid,
            f.call.name(),
            f.source.name(),
            f.sink.name(),
            f.class.name(),
            f.bytes,
            f.calls,
            f.first_pieces
        );
    }
    for e in s.errors().unwrap().iter().take(10) {
        println!("{e:?}");
    }
    println!("{:?}", s.loss().unwrap());
}
