import { canonicalName } from '../../naming/node-name.js';
import type { Lease } from './shared-resource.js';
import type { MeetingPoint } from './registry.js';
import { MeetingSession } from './registry-session.js';
import type { PeerageProvider } from '../provider.js';

/** A provider whose nodes meet at a point. */
export function viaMeeting(name: string, points: Lease<MeetingPoint>, ttlMs: number): PeerageProvider {
  return {
    name,
    poll: ({ self, signal }) =>
      points.use(async (point) => {
        const ownName = canonicalName(self.name);
        return (await point.names(self, signal)).filter((each) => each !== ownName);
      }),
    serve: async (context) => {
      if (context.signal.aborted) return;
      await points.use((point) => new MeetingSession(point, context, ttlMs).run());
    },
  };
}
