import { Injectable, Logger } from '@nestjs/common';
import { ClusterService, OnPeerDown, OnPeerUp } from 'nestjs-peerage';
import type { ClusterEventOf } from 'nestjs-peerage';

@Injectable()
export class NeighboursService {
  private readonly logger = new Logger(NeighboursService.name);

  constructor(private readonly cluster: ClusterService) {}

  @OnPeerUp()
  welcome({ peer }: ClusterEventOf<'peer.up'>): void {
    this.logger.log(`Hello ${peer.name}! We are ${this.cluster.peers.length + 1} now.`);
  }

  @OnPeerDown()
  miss({ peer, reason }: ClusterEventOf<'peer.down'>): void {
    this.logger.log(`${peer.name} is gone (${reason}). We are ${this.cluster.peers.length + 1} now.`);
  }
}
