// Guards: tests that wait for a certificate to fall due, and fail where the machine is slower than its life. The clock of a
// process is moved: of a test's own by `shiftClock`, of the processes of providers by TEST_CLOCK_SHIFT_MS with `--require`.
const RealDate = Date;
let shift = 0;

/** Moves the clock of this process by so many milliseconds from the real time; 0 puts it back. */
exports.shiftClock = (ms) => {
  shift = ms;
  globalThis.Date = ms === 0 ? RealDate : ShiftedDate;
};

class ShiftedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(ShiftedDate.now());
    else super(...args);
  }
  static now() {
    return RealDate.now() + shift;
  }
}

const fromEnvironment = Number(process.env.TEST_CLOCK_SHIFT_MS ?? 0);
if (fromEnvironment !== 0) exports.shiftClock(fromEnvironment);
