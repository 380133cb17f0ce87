use super::*;

use crate::model::ByteClasses;
use crate::report::fixture;
use std::time::Duration;

fn rendered(audit: &Audit, moments: &[Moment]) -> String {
    let mut page = Vec::new();
    let report = Report {
        audit,
        sampled: None,
        moments,
    };
    write(&mut page, &report).expect("a page");
    String::from_utf8(page).expect("text")
}

fn moments() -> Vec<Moment> {
    let moment = |zero_copy, lost| Moment {
        length: Duration::from_secs(1),
        bytes: ByteClasses {
            zero_copy,
            bounced: lost,
            lost,
            ..ByteClasses::default()
        },
    };
    vec![moment(10, 0), moment(0, 0), moment(10, 10)]
}

#[test]
fn a_page_says_it_in_words_first() {
    let page = rendered(&fixture::findings(), &moments());
    let answer = page.find("fixes recover").expect("the answer");
    assert!(answer < page.find("<table").expect("a table"), "{page}");
    for part in [
        "timeline",
        "findings",
        "paths",
        "processes",
        "flows",
        "method",
    ] {
        assert!(page.contains(&format!("<section id=\"{part}\"")), "{part}");
    }
    assert!(page.contains("Content-Security-Policy"));
    assert!(!page.contains(" style=") && !page.contains(" onclick="));
}

#[test]
fn nothing_of_a_process_becomes_markup() {
    let mut audit = fixture::hostile_findings();
    let evil = "<script>alert(1)</script>\"'><img src=x>\u{202e}";
    audit.host.hostname = evil.to_owned();
    for process in &mut audit.processes {
        process.facts.comm = evil.to_owned();
        process.facts.cgroup = Some(evil.to_owned());
    }
    let page = rendered(&audit, &moments());
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains("<img") && !page.contains('\u{202e}') && !page.contains('\u{1b}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn nothing_to_show_is_a_page_too() {
    let page = rendered(&fixture::nothing_moved(), &[]);
    assert!(page.contains("Nothing was lost"));
    assert!(!page.contains("id=\"timeline\"") && !page.contains("id=\"flames\""));
    for audit in [fixture::hostile(), fixture::machine(), fixture::ways()] {
        assert!(rendered(&audit, &moments()).contains("id=\"paths\""));
    }
}
