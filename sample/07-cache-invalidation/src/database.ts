import { Injectable } from '@nestjs/common';
import { readFile, writeFile } from 'node:fs/promises';

/** Stands for a database that all replicas share: a JSON file. */
@Injectable()
export class Database {
  private readonly file = process.env['DATABASE'] ?? 'prices.json';

  async read(product: string): Promise<number | undefined> {
    return (await this.all())[product];
  }

  async write(product: string, price: number): Promise<void> {
    await writeFile(this.file, JSON.stringify({ ...(await this.all()), [product]: price }));
  }

  private async all(): Promise<Record<string, number>> {
    try {
      return JSON.parse(await readFile(this.file, 'utf8')) as Record<string, number>;
    } catch {
      return {};
    }
  }
}
