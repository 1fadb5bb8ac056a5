/** Enough that a hundred names take seconds, few enough that a CA's limits per second are far. */
const AT_ONCE = 8;

/**
 * Does `work` for each item, at most 8 at a time, and gives the results in the order of the items. When one fails, no
 * further one is begun, those under way are waited for, and the first failure is thrown.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) {
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
