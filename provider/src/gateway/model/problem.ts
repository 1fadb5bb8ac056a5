/** Something that a gateway of this kind can't serve; nothing is applied before it is gone. */
export interface SiteProblem {
  readonly site: string;
  /** The second site, when two of them collide. */
  readonly otherSite?: string;
  readonly property: string;
  /** Says what was found, why it can't work, and what to do. */
  readonly reason: string;
}
