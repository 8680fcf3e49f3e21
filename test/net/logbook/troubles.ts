import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECRET } from '../../support/processes/cluster.js';
import { DNS_NAME, HOSTS, PORT, type Trouble } from './logbook.js';

const OTHER_SECRET = 'a new secret of the tests, long enough';

export const TROUBLES: Readonly<Record<string, Trouble>> = {
  'one is killed, and is there again after five seconds': async (book) => {
    await book.nodes[2]!.kill();
    await sleep(5_000);
    book.launch(2);
    await sleep(6_000);
  },
  'one is killed, and is away for a minute': async (book) => {
    await book.nodes[2]!.kill();
    await sleep(60_000);
    book.launch(2);
    await sleep(6_000);
  },
  'one is stopped for twelve seconds (SIGSTOP)': async (book) => {
    book.nodes[1]!.signal('SIGSTOP');
    await sleep(12_000);
    book.nodes[1]!.signal('SIGCONT');
    await sleep(8_000);
  },
  'the event loop of one is busy for six seconds': async (book) => {
    await book.nodes[3]!.run('block', 6_000);
    await sleep(4_000);
  },
  'the event loop of one stands still for 1.5 s, again and again': async (book) => {
    for (let i = 0; i < 6; i++) {
      await book.nodes[3]!.run('block', 1_500);
      await sleep(2_000);
    }
  },
  'one is cut off for twenty-five seconds': async (book) => {
    book.network.silence(book.host(4));
    await sleep(25_000);
    book.network.heal(book.host(4));
    await sleep(10_000);
  },
  'two are cut off from three, for twenty-five seconds': async (book) => {
    book.split([0, 1], [2, 3, 4]);
    await sleep(25_000);
    book.unite();
    await sleep(10_000);
  },
  'nothing of the first host reaches the second, for twenty seconds': async (book) => {
    book.drop(1, `ip saddr ${book.address(0)} drop`);
    await sleep(20_000);
    book.unite();
    await sleep(10_000);
  },
  'a sixth has another secret, for half a minute': async (book) => {
    const stranger = book.launch(5, { secret: OTHER_SECRET });
    await sleep(30_000);
    await stranger.terminate();
  },
  'a sixth has another label, for half a minute': async (book) => {
    const stranger = book.launch(5, { cluster: 'another' });
    await sleep(30_000);
    await stranger.terminate();
  },
  'UDP to one is dropped, for half a minute': async (book) => {
    book.drop(2, `udp dport ${PORT} drop`);
    await sleep(30_000);
    book.unite();
    await sleep(20_000);
  },
  'TCP to one is dropped while it restarts': async (book) => {
    await book.nodes[2]!.terminate();
    book.drop(2, `tcp dport ${PORT} drop`);
    book.launch(2);
    await sleep(20_000);
    book.unite();
    await sleep(15_000);
  },
  'the file with the names is gone for half a minute': async (book) => {
    book.writeNames([]);
    rmSync(book.names);
    await sleep(30_000);
    book.writeNames();
    await sleep(15_000);
  },
  'a name is listed that nobody has, for a minute': async (book) => {
    book.writeNames([...book.all, `app@10.77.0.99:${PORT}`]);
    await sleep(60_000);
    book.writeNames();
    await sleep(5_000);
  },
  'a sixth finds names by DNS, whose server answers nothing for a minute, and then says that there are none':
    async (book) => {
      await book.startNameServer(book.addresses);
      await book
        .launch(5, { via: [{ dns: { dnsName: DNS_NAME, nameservers: [book.nameServer] } }] })
        .started();
      await sleep(10_000);
      book.freezeNameServer();
      await sleep(60_000);
      await book.startNameServer([]);
      await sleep(40_000);
      await book.startNameServer(book.addresses);
      await sleep(15_000);
      await book.nodes[5]!.terminate();
      await book.stopNameServer();
    },
  'one is killed every eight seconds, for three minutes, and started again': async (book) => {
    for (let i = 0; i < 22; i++) {
      await book.nodes[2]!.kill();
      await sleep(1_000);
      book.launch(2);
      await sleep(7_000);
    }
  },
  'one is cut off for six seconds, again and again, for three minutes': async (book) => {
    for (let i = 0; i < 12; i++) {
      book.network.silence(book.host(4));
      await sleep(6_000);
      book.network.heal(book.host(4));
      await sleep(9_000);
    }
  },
  'a third of all packets to one is lost, for three minutes': async (book) => {
    book.drop(3, 'iifname eth0 numgen random mod 3 0 drop');
    await sleep(180_000);
    book.unite();
    await sleep(10_000);
  },
  'all stand still for twenty seconds, as when their machine is suspended': async (book) => {
    for (const node of book.nodes.slice(0, HOSTS)) node.signal('SIGSTOP');
    await sleep(20_000);
    for (const node of book.nodes.slice(0, HOSTS)) node.signal('SIGCONT');
    await sleep(10_000);
  },
  'one sends more than the others take, for half a minute': async (book) => {
    await book.nodes[0]!.run('flood', { bytes: 100_000, forMs: 30_000 });
    await sleep(5_000);
  },
  'all have a job each second: one is killed, two are cut off from three, all restart': async (book) => {
    for (let i = 0; i < HOSTS; i++) book.launchJobber(i);
    await sleep(15_000);
    await book.jobbers[1]!.kill();
    await sleep(20_000);
    book.launchJobber(1);
    await sleep(10_000);
    book.split([0, 1], [2, 3, 4]);
    await sleep(40_000);
    book.unite();
    await sleep(20_000);
    for (let i = 0; i < HOSTS; i++) {
      await book.jobbers[i]!.stop();
      book.launchJobber(i);
      await sleep(4_000);
    }
    await Promise.all(book.jobbers.map((jobber) => jobber.stop()));
  },
  'four troubles stay for twenty-five minutes: another secret, a name that nobody has, UDP dropped, a file that is gone':
    async (book) => {
      const stranger = book.launch(5, { secret: OTHER_SECRET });
      book.writeNames([...book.all, `app@10.77.0.99:${PORT}`]);
      book.drop(2, `udp dport ${PORT} drop`);
      await book.nodes[4]!.terminate();
      book.launch(4, { via: [{ file: `${book.names}.gone` }, { list: book.all }] });
      await sleep(25 * 60_000);
      await stranger.terminate();
      book.unite();
      book.writeNames();
      await book.nodes[4]!.terminate();
      await book.launch(4).started();
      await sleep(15_000);
    },
  'all restart, one after the other': async (book) => {
    for (let i = 0; i < HOSTS; i++) {
      await book.nodes[i]!.terminate();
      await sleep(1_000);
      await book.launch(i).started();
      await sleep(3_000);
    }
  },
  'all restart with a new secret beside the old one, and then with the new one only': async (book) => {
    for (const secret of [[SECRET, OTHER_SECRET], [OTHER_SECRET, SECRET], OTHER_SECRET])
      for (let i = 0; i < HOSTS; i++) {
        await book.nodes[i]!.terminate();
        await book.launch(i, { secret: secret as string }).started();
        await sleep(1_500);
      }
    await sleep(5_000);
  },
  'all but one are killed at once, and are there again after fifteen seconds': async (book) => {
    await Promise.all(book.nodes.slice(1, HOSTS).map((node) => node.kill()));
    await sleep(15_000);
    for (let i = 1; i < HOSTS; i++) book.launch(i, { secret: OTHER_SECRET });
    await sleep(8_000);
  },
  'all shut down at once': async (book) => {
    await Promise.all(book.nodes.slice(0, HOSTS).map((node) => node.terminate()));
  },
};
