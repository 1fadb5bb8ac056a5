import { expect, it } from "vitest";
import { renderList } from "../../../provider/src/text/list";

it("shows a list whole up to the limit, and counts what is beyond it", () => {
  expect([0, 2, 3].map((count) => renderList(["a", "b", "c"].slice(0, count), 2))).toEqual([
    "",
    "a, b",
    "a, b and 1 more",
  ]);
});

it("renders only what is shown", () => {
  const rendered: number[] = [];
  const render = (item: number) => `#${rendered.push(item)}`;
  expect(renderList([7, 8, 9], 1, render, "; ")).toBe("#1 and 2 more");
  expect(rendered).toEqual([7]);
  expect(renderList([7, 8], 2, String, "; ")).toBe("7; 8");
});
