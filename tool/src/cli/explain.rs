//! `copytax explain`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::diagnosis::{calibration, findings};
use super::failure::Failure;
use super::report::RecordedArgs;
use super::rules::RulesArgs;
use super::stdout;
use super::terminal::{self, ColorChoice};
use crate::analysis;
use crate::analysis::catalog::{Catalog, Rule, nearest, search};
use crate::report::{json, text};

/// What is known of a way to lose the fast path: symptom, cause, fix, references
///
/// With the id of a rule, prints all of it. With other words, lists the rules whose id, runtime,
/// verdict or title has them all; without any, lists all rules. Of a recording, prints all of each rule
/// that applies there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  copytax explain                    all rules
  copytax explain G1                 one of them
  copytax explain nginx sendfile     those that are about both
  copytax explain --of day.ctx       those that a recording has findings of")]
pub(crate) struct Args {
    /// The id of a rule, or words to look for
    #[arg(value_name = "ID")]
    words: Vec<String>,
    /// Explain the findings of a recording
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    of: Option<PathBuf>,
    /// Print JSON (schema copytax.rules/1)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rules: RulesArgs,
}

/// Prints it.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let catalog = args.rules.catalog()?;
    let found = match &args.of {
        Some(path) => Found::Of(applying(&catalog, path)?),
        None => find(&catalog, &args.words)?,
    };
    let (width, color) = (terminal::width(), color.applies_to_stdout());
    stdout::print(|out| match (&found, args.json) {
        (Found::One(rule), false) => text::write_rule(out, rule, width, color),
        (Found::List(rules), false) => text::write_rules(out, rules, width, color),
        (Found::Of(rules), false) => write_each(out, rules, width, color),
        (Found::One(rule), true) => json::write_rules(out, &[rule]),
        (Found::List(rules) | Found::Of(rules), true) => json::write_rules(out, rules),
    })?;
    Ok(ExitCode::SUCCESS)
}

enum Found<'a> {
    One(&'a Rule),
    List(Vec<&'a Rule>),
    /// Those that apply to a recording.
    Of(Vec<&'a Rule>),
}

/// The rules that a recording has findings of, dearest first.
fn applying<'a>(catalog: &'a Catalog, path: &Path) -> Result<Vec<&'a Rule>, Failure> {
    let mut snapshot = RecordedArgs::all_of(path).snapshot()?;
    let profile = std::mem::take(&mut snapshot.profile);
    let audit = analysis::audit(snapshot);
    let mut rules: Vec<&Rule> = Vec::new();
    for finding in findings(&audit, &profile, catalog, calibration()?.as_ref()) {
        let rule = finding.rule.as_deref().and_then(|id| catalog.get(id));
        if let Some(rule) = rule.filter(|rule| !rules.iter().any(|known| known.id == rule.id)) {
            rules.push(rule);
        }
    }
    Ok(rules)
}

fn write_each(out: &mut impl Write, rules: &[&Rule], width: usize, color: bool) -> io::Result<()> {
    if rules.is_empty() {
        return writeln!(out, "no rule applies to what was recorded");
    }
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        text::write_rule(out, rule, width, color)?;
    }
    Ok(())
}

fn find<'a>(catalog: &'a Catalog, words: &[String]) -> Result<Found<'a>, Failure> {
    if let [id] = words
        && let Some(rule) = catalog.get(id)
    {
        return Ok(Found::One(rule));
    }
    let rules = search(catalog, words);
    if rules.is_empty() {
        return Err(unknown(catalog, words));
    }
    Ok(Found::List(rules))
}

fn unknown(catalog: &Catalog, words: &[String]) -> Failure {
    let wanted = words.join(" ");
    let near = nearest(catalog, &wanted);
    let hint = if near.is_empty() {
        ".".to_owned()
    } else {
        format!(": did you mean {}?", near.join(", "))
    };
    let end = "`copytax explain` lists all rules";
    Failure::usage(match words {
        [_] => format!("there is no rule `{wanted}`, and none is about that{hint} {end}"),
        _ => format!("no rule is about all of `{wanted}`. {end}"),
    })
}
