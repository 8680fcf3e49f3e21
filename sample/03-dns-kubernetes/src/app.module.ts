import { Module } from '@nestjs/common';
import { PeerageModule } from 'nestjs-peerage';

// Without options the PEERAGE_* variables of the environment count; manifests/deployment.yaml sets them. It
// is the same as
//
//   PeerageModule.forRoot({ appName: 'myapp', via: viaDns({ dnsName: 'myapp-peers' }), secret: '…' })
//
// and the host is taken from POD_IP.
@Module({ imports: [PeerageModule.forRoot()] })
export class AppModule {}
