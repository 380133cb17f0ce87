//! Rules that are DWARF expressions: of signal handlers' frames, of frames that align their stack,
//! of the procedure linkage table.

use gimli::{
    CfaRule, EndianSlice, Evaluation, EvaluationResult, Location, RegisterRule, UnwindExpression,
    Value,
};

use super::arch::{RETURN_ADDRESS, STACK_POINTER};
use super::memory::Memory;
use super::registers::Registers;
use super::rule::Failure;
use super::tables::{Row, Slice};

/// Operations of an expression: it may hold loops.
const OPERATION_LIMIT: u32 = 256;

/// The caller's registers, by the rules of a row.
pub(super) fn caller(
    row: &Row<'_, '_>,
    registers: &Registers,
    memory: Memory<'_>,
) -> Result<Registers, Failure> {
    let scope = Scope {
        row,
        registers,
        memory,
    };
    let frame = scope.frame()?;
    let mut caller = registers.returned();
    caller.set(STACK_POINTER, frame);
    for (register, rule) in row.rules.registers() {
        let Ok(number) = u8::try_from(register.0) else {
            continue;
        };
        match scope.value(number, rule, frame) {
            Ok(Some(value)) => caller.set(number, value),
            Ok(None) => {}
            Err(failure) if number == RETURN_ADDRESS || number == STACK_POINTER => {
                return Err(failure);
            }
            Err(_) => caller.forget(number),
        }
    }
    if row.is_signal_frame {
        // The handler may have a stack of its own.
        return Ok(caller);
    }
    if caller.stack_pointer() <= registers.stack_pointer() {
        return Err(Failure::Senseless);
    }
    Ok(caller)
}

/// What expressions can refer to.
struct Scope<'scope> {
    row: &'scope Row<'scope, 'scope>,
    registers: &'scope Registers,
    memory: Memory<'scope>,
}

impl Scope<'_> {
    /// The address of the frame.
    fn frame(&self) -> Result<u64, Failure> {
        match self.row.rules.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => u8::try_from(register.0)
                .ok()
                .and_then(|register| self.registers.get(register))
                .and_then(|base| base.checked_add_signed(*offset))
                .ok_or(Failure::Senseless),
            CfaRule::Expression(expression) => self.evaluate(*expression, None),
        }
    }

    /// The caller's value of a register; `None` where its rule says nothing new.
    fn value(
        &self,
        register: u8,
        rule: &RegisterRule<usize>,
        frame: u64,
    ) -> Result<Option<u64>, Failure> {
        Ok(Some(match rule {
            RegisterRule::Offset(offset) => {
                let place = frame.checked_add_signed(*offset);
                self.read(place.ok_or(Failure::Senseless)?)?
            }
            RegisterRule::ValOffset(offset) => frame
                .checked_add_signed(*offset)
                .ok_or(Failure::Senseless)?,
            RegisterRule::Register(other) => u8::try_from(other.0)
                .ok()
                .and_then(|other| self.registers.get(other))
                .ok_or(Failure::Senseless)?,
            RegisterRule::Expression(expression) => {
                self.read(self.evaluate(*expression, Some(frame))?)?
            }
            RegisterRule::ValExpression(expression) => self.evaluate(*expression, Some(frame))?,
            RegisterRule::SameValue if register != STACK_POINTER => {
                self.registers.get(register).ok_or(Failure::Senseless)?
            }
            _ => return Ok(None),
        }))
    }

    fn read(&self, address: u64) -> Result<u64, Failure> {
        self.memory.read(address).ok_or(Failure::NotCopied(address))
    }

    /// What an expression leaves on its stack, which begins with `initial`.
    fn evaluate(
        &self,
        expression: UnwindExpression<usize>,
        initial: Option<u64>,
    ) -> Result<u64, Failure> {
        let end = expression.offset.saturating_add(expression.length);
        let code = self.row.data.get(expression.offset..end);
        let code: Slice<'_> =
            EndianSlice::new(code.ok_or(Failure::Senseless)?, gimli::LittleEndian);
        let mut evaluation = Evaluation::new(code, self.row.encoding);
        evaluation.set_max_iterations(OPERATION_LIMIT);
        if let Some(initial) = initial {
            evaluation.set_initial_value(initial);
        }
        let mut result = evaluation.evaluate();
        loop {
            result = match result.map_err(|_| Failure::Senseless)? {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = u8::try_from(register.0)
                        .ok()
                        .and_then(|register| self.registers.get(register))
                        .ok_or(Failure::Senseless)?;
                    evaluation.resume_with_register(Value::Generic(value))
                }
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    let value = self.memory.read_part(address, size);
                    let value = value.ok_or(Failure::NotCopied(address))?;
                    evaluation.resume_with_memory(Value::Generic(value))
                }
                _ => return Err(Failure::Senseless),
            };
        }
        match evaluation.as_result().last().map(|piece| &piece.location) {
            Some(Location::Address { address }) => Ok(*address),
            _ => Err(Failure::Senseless),
        }
    }
}
