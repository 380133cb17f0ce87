//! What the live view costs of a core, once a second, on a machine of 2,000 processes that are all busy: the
//! copy of a look, what came since the one before, and the screen. `cargo bench -p copytax --bench top`

#[path = "../../tests/support/hour.rs"]
#[expect(dead_code, reason = "shared with the bench of recordings")]
mod hour;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use copytax::live::{Colors, Kept, State, Step, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const PROCESSES: u32 = 2000;
const STEPS: u32 = 60;
/// Of one core.
const MOST: f64 = 0.02;

fn main() -> Result<()> {
    let area = Rect::new(0, 0, 200, 60);
    let mut buffer = Buffer::empty(area);
    let (mut state, mut kept) = (State::default(), Kept::default());
    let mut now = hour::machine(PROCESSES);
    let mut random = fastrand::Rng::with_seed(1);
    let mut spent = Duration::ZERO;
    for second in 1..=STEPS {
        for flow in &mut now.flows {
            flow.calls += 1000;
            flow.first_pieces += 1000;
            flow.bytes += 1000 * random.u64(30_000..32_768);
        }
        now.window.duration = Duration::from_secs(second.into());
        let begin = cpu_time()?;
        let look = Arc::new(now.clone());
        state.step(Step::between(&look, kept.last().map(|last| &**last)));
        kept.push(look);
        view::draw(&mut state, Colors::True, area, &mut buffer);
        spent += cpu_time()? - begin;
    }
    let share = spent.as_secs_f64() / f64::from(STEPS);
    println!(
        "{PROCESSES} processes, a step a second: {:.2}% of a core",
        100.0 * share
    );
    ensure!(share < MOST, "that is too much");
    Ok(())
}

/// What this process had of CPUs: others may be busy, too.
fn cpu_time() -> Result<Duration> {
    Ok(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into()?)
}
