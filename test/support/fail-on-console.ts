// Guards: a unit that prints. What a user sees goes through the engine's log, a check failure or an error.
import { afterEach, beforeEach, expect, vi } from "vitest";

const methods = ["log", "info", "warn", "error", "debug"] as const;

beforeEach(() => {
  for (const method of methods) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  for (const method of methods) {
    const printed = vi.mocked(console[method]).mock.calls;
    vi.mocked(console[method]).mockRestore();
    expect(printed, `console.${method} was called`).toEqual([]);
  }
});
