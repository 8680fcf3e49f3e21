import { Controller, Get, Module, Param } from '@nestjs/common';
import { ClusterService, PeerageModule } from 'nestjs-peerage';

@Controller('cluster')
export class ClusterController {
  constructor(private readonly cluster: ClusterService) {}

  @Get()
  state() {
    const { self, names, notes } = this.cluster.explain();
    const peers = names.flatMap(({ name, peer, liveness }) =>
      peer ? [{ name, bootId: peer.bootId, status: peer.status, probes: liveness?.probes }] : [],
    );
    return { name: self.name, peers, notes };
  }

  @Get('providers')
  async providers() {
    const { providers } = await this.cluster.poll();
    return providers.map(({ provider, error }) => ({ provider, error: error?.message ?? '' }));
  }

  @Get('block/:ms')
  block(@Param('ms') ms: string) {
    const end = performance.now() + Number(ms);
    while (performance.now() < end);
    return 'done';
  }
}

@Module({ imports: [PeerageModule.forRoot()], controllers: [ClusterController] })
export class ClusterModule {}
