/**
 * The first items of a list and how many more there are, for a message: `"a, b and 3 more"`. Empty for an empty list.
 *
 * @param most how many are shown; only these are rendered.
 */
export function renderList<Item>(
  items: readonly Item[],
  most: number,
  render: (item: Item) => string = String,
  separator = ", ",
): string {
  const more = items.length > most ? ` and ${items.length - most} more` : "";
  return (
    items
      .slice(0, most)
      .map((item) => render(item))
      .join(separator) + more
  );
}
