import type { ChallengeName, ChallengeSolver } from "../challenge/solver";
import type { AcmeIdentifier } from "../client/identifier";
import type { AcmeSession } from "../client/session";

/** What is going to be ordered. */
export interface PreflightRequest {
  readonly session: AcmeSession;
  readonly accountUrl: string;
  readonly profile?: string;
  readonly names: readonly ChallengeName[];
  /**
   * In the order in which they are tried: the first that fits a name proves it. None for an order whose names others
   * prove: any way may be theirs.
   */
  readonly solvers: readonly ChallengeSolver[];
  /** `address` or `address:port`, as of propagation; default: those of the machine, for a public CA only. */
  readonly resolvers?: readonly string[];
  /** Whether the CA looks at things from the Internet: `nameOfDirectory` knows it. */
  readonly isPublic: boolean;
  /** Seconds for all of it. Default 20. */
  readonly timeoutSeconds?: number;
}

/** Those that can prove the name, the first one of which does, where the CA offers its challenge. */
export function solversOf(
  { identifier, isWildcard }: ChallengeName,
  solvers: readonly ChallengeSolver[],
): readonly ChallengeSolver[] {
  return solvers.filter((solver) => solver.refuse(identifier, isWildcard) === undefined);
}

/** As the order and a person have it: a wildcard with its `*.`. */
export function orderedAs({ identifier, isWildcard }: ChallengeName): AcmeIdentifier {
  return isWildcard ? { ...identifier, value: `*.${identifier.value}` } : identifier;
}
