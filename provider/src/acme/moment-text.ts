const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** For data: `2026-12-02T04:10:31Z`, never earlier than the moment. */
export function renderSecond(moment: number): string {
  return `${new Date(Math.ceil(moment / SECOND) * SECOND).toISOString().slice(0, 19)}Z`;
}

/** For a person, when something is possible: `2026-12-02T04:11Z`, never earlier than the moment. */
export function renderMinute(moment: number): string {
  return `${new Date(Math.ceil(moment / MINUTE) * MINUTE).toISOString().slice(0, 16)}Z`;
}
