import { Injectable } from '@nestjs/common';
import { readFile } from 'node:fs/promises';

export interface Machine {
  readonly address: string;
  readonly port: number;
}

/** Stands for whatever knows your machines: a cloud API, a database, a registry. Here it is a JSON file. */
@Injectable()
export class InventoryService {
  async machines(signal: AbortSignal): Promise<Machine[]> {
    const file = process.env['INVENTORY'];
    if (file === undefined) return [];
    return JSON.parse(await readFile(file, { encoding: 'utf8', signal })) as Machine[];
  }
}
