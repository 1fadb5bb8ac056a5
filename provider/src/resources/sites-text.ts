import * as pulumi from "@pulumi/pulumi";

/**
 * Sites as one text: as nested properties, 10,000 of them would take the engine half a minute a preview. Only entries
 * that hold outputs are waited for; the others are written at once.
 */
export function renderSitesText(entries: readonly unknown[]): pulumi.Input<string> {
  const texts = entries.map((entry) => (holdsOutputs(entry) ? undefined : JSON.stringify(entry)));
  const waited = entries.filter((_, index) => texts[index] === undefined);
  if (waited.length === 0) return joinTexts(texts as string[]);
  return pulumi.all(waited).apply((values) => {
    const rest = values.values();
    return joinTexts(texts.map((text) => text ?? JSON.stringify(rest.next().value)));
  });
}

function joinTexts(texts: readonly string[]): string {
  return `[${texts.join(",\n")}]`;
}

function holdsOutputs(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (pulumi.Output.isInstance(value) || value instanceof Promise || pulumi.Resource.isInstance(value)) return true;
  return Object.values(value).some(holdsOutputs);
}
