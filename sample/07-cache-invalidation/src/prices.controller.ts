import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { PricesService } from './prices.service.js';

@Controller('prices')
export class PricesController {
  constructor(private readonly prices: PricesService) {}

  @Get(':product')
  async get(@Param('product') product: string): Promise<{ price: number | undefined }> {
    return { price: await this.prices.priceOf(product) };
  }

  @Put(':product')
  async set(@Param('product') product: string, @Body('price') price: number): Promise<void> {
    await this.prices.setPrice(product, price);
  }
}
