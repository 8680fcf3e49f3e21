/** The topics on which clients talk to servers. Not for apps. */
export const TOPICS = {
  /** A request: a serialised packet, answered by one serialised packet for each part of the response. */
  request: '$microservices.request',
  /** An event: a serialised packet. */
  event: '$microservices.event',
} as const;
