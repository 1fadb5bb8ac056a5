// Guards: tests that wait until a client has read the head of an answer, which the server cannot know.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

const channel = "http.client.response.finish";

/** The next answer whose head a client of this process reads. */
export function nextAnswer(): Promise<IncomingMessage> {
  return new Promise((resolve) => {
    const hear = (message: unknown) => {
      unsubscribe(channel, hear);
      resolve((message as { readonly response: IncomingMessage }).response);
    };
    subscribe(channel, hear);
  });
}
