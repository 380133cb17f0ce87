use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Rect;

use super::{Action, Colors, Column, Detail, Kept, Mode, State, Step, view};
use crate::analysis::fixture::{failure, flow, process, snapshot};
use crate::model::{Call, Class, EndpointKind, Snapshot};

const MIB: u64 = 1 << 20;

/// All that was counted until a second: one that loses bytes, one that does not, one that does neither.
fn look(second: u64) -> Snapshot {
    let sent = (EndpointKind::File, EndpointKind::Tcp);
    let made = (EndpointKind::None, EndpointKind::Tcp);
    let mut look = snapshot()
        .named(11, "filesrv", &["/opt/filesrv", "--listen"])
        .named(22, "nginx", &["nginx: worker"])
        .named(33, "\x1b[2Jevil", &[])
        .with([
            flow(
                11,
                Call::Write,
                sent,
                Class::SameBuffer,
                64 * MIB * second,
                second,
            ),
            flow(
                22,
                Call::Sendfile,
                sent,
                Class::ZeroCopy,
                128 * MIB * second,
                second,
            ),
            flow(
                22,
                Call::Write,
                sent,
                Class::SameBuffer,
                MIB * second,
                second,
            ),
            flow(
                33,
                Call::Write,
                made,
                Class::Generated,
                1000 * second,
                second,
            ),
        ])
        .with_errors([failure(11, Call::Sendfile, sent, 22, second)]);
    look.window.duration = Duration::from_secs(second);
    for (pid, cgroup) in [(11, "/a.slice"), (22, "/a.slice"), (33, "/b.slice")] {
        if let Some(facts) = look.processes.get_mut(&process(pid)) {
            facts.cgroup = Some(cgroup.to_owned());
        }
    }
    look
}

fn state() -> State {
    let mut state = State::default();
    for second in 1..=3 {
        let before = (second > 1).then(|| look(second - 1));
        state.step(Step::between(&look(second), before.as_ref()));
    }
    state
}

fn key(state: &mut State, code: KeyCode) -> Action {
    state.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn typed(state: &mut State, keys: &str) {
    for c in keys.chars() {
        key(state, KeyCode::Char(c));
    }
}

fn drawn(state: &mut State, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    view::draw(state, Colors::None, area, &mut buffer);
    let lines = (0..height).map(|row| {
        let cells = (0..width).map(|column| buffer[(column, row)].symbol());
        cells.collect::<String>().trim_end().to_owned() + "\n"
    });
    lines.collect()
}

#[test]
fn batch_of_a_step() {
    expect![[r#"
        hit rate 66.3%          ▆▆▆  lost 65.0 MiB/s  zero-copy 128.0 MiB/s  mapped -
        loss: none
            PID COMMAND                 HIT    HISTORY    ZERO-COPY        LOST▾ CPU TAX
             11 filesrv                0.0%        ▁▁▁            -   64.0 MiB/s       -
             22 nginx                 99.2%        ███  128.0 MiB/s    1.0 MiB/s       -
             33 \x1b[2Jevil               -        ···            -            -       -
    "#]]
    .assert_eq(&view::text(&mut state(), 80));
    expect![[r#"
        hit rate 66.3%   lost 65.0 MiB/s
        loss: none
            PID COMMAND         HIT        LOST▾
             11 filesrv        0.0%   64.0 MiB/s
             22 nginx         99.2%    1.0 MiB/s
             33 \x1b[2Jevil       -            -
    "#]]
    .assert_eq(&view::text(&mut state(), 40));
    expect![[r#"
        hit rate 66.3%          ▆▆▆  lost 65.0 MiB/s  zero-copy 128.0 MiB/s  mapped -  web1  3 s  3 processes
        loss: none
            PID COMMAND                     HIT    HISTORY    ZERO-COPY        LOST▾       MAPPED  TRANSFORMED    GENERATED CPU TAX CGROUP
             11 filesrv                    0.0%        ▁▁▁            -   64.0 MiB/s            -            -            -       - /a.slice
             22 nginx                     99.2%        ███  128.0 MiB/s    1.0 MiB/s            -            -            -       - /a.slice
             33 \x1b[2Jevil                   -        ···            -            -            -            -     1000 B/s       - /b.slice
    "#]].assert_eq(&view::text(&mut state(), 160));
}

#[test]
fn keys_sort_filter_and_look_closer() {
    let mut state = state();
    typed(&mut state, "s");
    assert_eq!(state.sort, Column::ZeroCopy);
    assert!(view::text(&mut state, 80).find("nginx") < view::text(&mut state, 80).find("filesrv"));
    typed(&mut state, "r");
    assert!(view::text(&mut state, 80).find("nginx") > view::text(&mut state, 80).find("filesrv"));
    typed(&mut state, "r</FILE");
    assert_eq!(state.mode, Mode::Filter);
    assert!(!view::text(&mut state, 80).contains("nginx"));
    key(&mut state, KeyCode::Enter);
    key(&mut state, KeyCode::Down);
    key(&mut state, KeyCode::Enter);
    assert_eq!(state.wants_detail(), Some(process(11)));
    assert!(state.lacks_detail());
    state.set_detail(Some(Detail {
        process: process(11),
        sites: vec!["100%  main.serve  main.go:21".to_owned()],
        findings: vec![(
            "fixable: a wrapped file (1 B)".to_owned(),
            Some("unwrap it".to_owned()),
        )],
    }));
    expect![[r#"
        hit rate 66.3%          ▆▆▆  lost 65.0 MiB/s  zero-copy 128.0 MiB/s  mapped -
        filter: FILE  loss: none
        filesrv (11)  hit rate 0.0%                            ▁▁▁
        /opt/filesrv --listen
        /a.slice
        flows, in the last step
             64.0 MiB/s  file -> tcp         read+write, same buffer  lost
        calls that failed
          1 time EINVAL  file -> tcp  sendfile
        hottest call sites, since the start
          100%  main.serve  main.go:21
        findings, since the start
          fixable: a wrapped file (1 B)
            fix: unwrap it





        Esc back  Up/Down other process  p pause  u units  w freeze  q quit
    "#]]
    .assert_eq(&drawn(&mut state, 80, 20));
    key(&mut state, KeyCode::Esc);
    assert_eq!(state.mode, Mode::Table);
    typed(&mut state, "?");
    assert!(drawn(&mut state, 60, 24).contains("write the last minute"));
    assert_eq!(key(&mut state, KeyCode::Esc), Action::Draw);
    assert_eq!(key(&mut state, KeyCode::Char('q')), Action::Quit);
    assert_eq!(key(&mut state, KeyCode::Char('w')), Action::Freeze);
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    assert_eq!(state.key(control('c')), Action::Quit);
    assert_eq!(state.key(control('z')), Action::Suspend);
}

#[test]
fn a_pause_holds_the_screen() {
    let mut state = state();
    typed(&mut state, "p");
    let before = view::text(&mut state, 100);
    state.step(Step::between(&look(9), Some(&look(3))));
    assert_eq!(view::text(&mut state, 100), before);
    typed(&mut state, "p");
    state.step(Step::between(&look(9), Some(&look(3))));
    assert_ne!(view::text(&mut state, 100), before);
}

#[test]
fn trees_have_groups_with_sums() {
    let mut state = state();
    typed(&mut state, "t");
    expect![[r#"
        hit rate 66.3%          ▆▆▆  lost 65.0 MiB/s  zero-copy 128.0 MiB/s  mapped -
        loss: none
            PID COMMAND                 HIT    HISTORY    ZERO-COPY        LOST▾ CPU TAX
                /a.slice              66.3%             128.0 MiB/s   65.0 MiB/s       -
             11   filesrv              0.0%        ▁▁▁            -   64.0 MiB/s       -
             22   nginx               99.2%        ███  128.0 MiB/s    1.0 MiB/s       -
                /b.slice                  -                       -            -       -
             33   \x1b[2Jevil             -        ···            -            -       -
    "#]]
    .assert_eq(&view::text(&mut state, 80));
}

#[test]
fn the_mouse_sorts_and_selects() {
    let mut state = state();
    let click = |column, row| MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    drawn(&mut state, 80, 20);
    state.mouse(click(2, view::HEAD), 80);
    assert_eq!((state.sort, state.reversed), (Column::Pid, false));
    state.mouse(click(2, view::HEAD), 80);
    assert_eq!((state.sort, state.reversed), (Column::Pid, true));
    state.mouse(click(9, view::HEAD + 2), 80);
    assert_eq!(state.selected(), Some(process(22)));
    state.mouse(click(9, view::HEAD + 2), 80);
    assert_eq!(state.wants_detail(), Some(process(22)));
}

#[test]
fn what_does_nothing_is_forgotten_at_last() {
    let mut state = state();
    let last = look(3);
    for _ in 0..59 {
        state.step(Step::between(&last, Some(&last)));
    }
    assert!(view::text(&mut state, 80).contains("nginx"));
    state.step(Step::between(&last, Some(&last)));
    assert!(view::text(&mut state, 80).contains("nothing was written yet"));
}

#[test]
fn the_last_minute_becomes_a_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    for (looks, seconds) in [(5, 5), (90, 60)] {
        let mut kept = Kept::default();
        for second in 1..=looks {
            kept.push(look(second).into());
        }
        let path = folder.path().join(format!("{looks}.ctx"));
        let second = Duration::from_secs(1);
        let duration = kept.freeze(&path, second).expect("written");
        assert_eq!(duration, second * seconds);
        let recording = crate::recording::Recording::open(&path).expect("a recording");
        assert!(recording.is_complete());
        let snapshot = recording.snapshot(&Default::default()).expect("read");
        let audit = crate::analysis::audit(snapshot);
        assert_eq!(audit.bytes.lost, 65 * MIB * u64::from(seconds));
        assert!(kept.freeze(&path, second).is_err(), "it is there");
    }
}

proptest! {
    /// No size and no key breaks it.
    #[test]
    fn any_screen_is_drawn(
        width in 0..320_u16,
        height in 0..60_u16,
        keys in prop::collection::vec(prop::sample::select(vec!['s', 'r', '/', 't', 'p', 'u', '?', 'j', 'k', '\n', 'x']), 0..20),
    ) {
        let mut state = state();
        for c in keys {
            let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
            key(&mut state, code);
            drawn(&mut state, width, height);
        }
    }
}
