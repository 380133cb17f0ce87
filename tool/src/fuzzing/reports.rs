//! Everything that is made of what was read: numbers and names may be any.

use std::collections::BTreeMap;
use std::io;

use crate::analysis;
use crate::analysis::MatchBy;
use crate::analysis::catalog::{Catalog, nearest, search};
use crate::analysis::comparison::{ComparisonOptions, Run, compare};
use crate::analysis::diagnosis::{Evidence, diagnose};
use crate::analysis::fleet::{merge, pool};
use crate::analysis::policy::{self, Policy};
use crate::model::{Audit, Profile, Snapshot, Timeline};
use crate::report::parquet::Export;
use crate::report::{
    GraphOptions, Only, Recorded, Sampled, SortKey, TextOptions, check, csv, flamegraph, folded,
    json, pprof, text,
};

const WIDTH: usize = 80;

/// Makes every report.
pub(super) fn all(mut snapshot: Snapshot, timeline: &Timeline) {
    analysis::calibrate(&mut snapshot);
    graphs(&snapshot);
    let (audit, profile) = audited(snapshot, Catalog::builtin());
    written(json::write(&mut io::sink(), &audit, Some(&profile)));
    written(csv::write(&mut io::sink(), &audit));
    let options = TextOptions {
        width: WIDTH,
        color: true,
        top: 5,
        sort: SortKey::default(),
    };
    written(text::write(
        &mut io::sink(),
        &audit,
        Some(&profile),
        &options,
    ));
    fleets(&audit, &profile, timeline);
    let run = Run {
        audit: &audit,
        profile: &profile,
        timeline,
    };
    let options = ComparisonOptions {
        by: MatchBy::Program,
        threshold: 0.01,
    };
    let comparison = compare(&[run], &[run], &options);
    assert!(!comparison.is_worse(), "it is worse than itself");
    written(json::write_comparison(
        &mut io::sink(),
        &comparison,
        &[],
        &[],
    ));
    written(text::write_comparison(
        &mut io::sink(),
        &comparison,
        ("a", "b"),
        (WIDTH, true),
        5,
    ));
}

/// A recording that is there twice, as a fleet.
fn fleets(audit: &Audit, profile: &Profile, timeline: &Timeline) {
    let recorded = Recorded {
        file: "a",
        audit,
        profile,
        damage: None,
    };
    let (audits, recordings) = ([audit, audit], [recorded, recorded]);
    for by in MatchBy::ALL {
        let fleet = merge(&audits, *by);
        assert_eq!(fleet.total.bytes, audit.bytes, "it counts once");
        written(text::write_fleet(
            &mut io::sink(),
            &fleet,
            &recordings,
            (WIDTH, true),
            5,
        ));
        written(json::write_fleet(&mut io::sink(), &fleet, &recordings));
        written(csv::write_fleet(&mut io::sink(), &fleet));
    }
    let pool = pool(&audits);
    let export = Export::begin(|_| Ok(io::sink())).and_then(|mut export| {
        export.write(&recordings, &pool, 0, Some(timeline))?;
        export.write(&recordings, &pool, 1, None)?;
        export.finish()
    });
    written(export.map(drop));
}

/// Checks what a server did.
pub(super) fn checks(policies: &[Policy], snapshot: Snapshot) {
    let (audit, _) = audited(snapshot, Catalog::builtin());
    let checks = policy::evaluate(policies, &audit);
    let out = &mut io::sink();
    written(check::write(out, &checks, (WIDTH, true)));
    written(check::write_json(out, &checks));
    written(check::write_github(out, &checks, "/srv"));
    written(check::write_junit(out, &checks, audit.window.duration));
    written(check::write_sarif(out, &checks, "/srv"));
}

/// Prints rules, and says which apply to what a server did.
pub(super) fn rules(catalog: &Catalog, snapshot: Snapshot) {
    let (audit, profile) = audited(snapshot, catalog);
    written(json::write(&mut io::sink(), &audit, Some(&profile)));
    let rules: Vec<_> = catalog.rules().iter().collect();
    for rule in &rules {
        written(text::write_rule(&mut io::sink(), rule, WIDTH, true));
        let _ = search(catalog, &[rule.title.to_string()]);
        let _ = nearest(catalog, &rule.id);
    }
    written(text::write_rules(&mut io::sink(), &rules, WIDTH, true));
    written(json::write_rules(&mut io::sink(), &rules));
}

/// What is said of a snapshot, with findings, and what was sampled.
pub(crate) fn audited(mut snapshot: Snapshot, catalog: &Catalog) -> (Audit, Profile) {
    let profile = std::mem::take(&mut snapshot.profile);
    let mut audit = analysis::audit(snapshot);
    audit.findings = diagnose(&Evidence {
        audit: &audit,
        profile: &profile,
        runtimes: &BTreeMap::new(),
        catalog,
        calibration: None,
        egress: &BTreeMap::new(),
        culprit: &|site| analysis::culprit(site).map(|culprit| culprit.frame.clone()),
    });
    (audit, profile)
}

fn graphs(snapshot: &Snapshot) {
    let sampled = Sampled::from(snapshot);
    let options = GraphOptions {
        only: Only::All,
        ..GraphOptions::default()
    };
    let out = &mut io::sink();
    written(flamegraph::write(out, &sampled, &options));
    written(flamegraph::write_difference(
        out, &sampled, &sampled, &options,
    ));
    written(folded::write(out, &sampled, &options));
    let mut profile = Vec::new();
    written(pprof::write(&mut profile, &sampled, &options));
    pprof::verify(&profile);
}

fn written(result: io::Result<()>) {
    result.expect("what takes everything fails at nothing");
}
