import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';

/** Patterns as apps have them. Nest parses each as JSON, and a text that is none costs more than all the rest. */
export const TEXT = 'price.get';
export const OBJECT = { cmd: 'price.get' };

/** A controller of a message and an event, as an app has it. */
export function pricesOf(onEvent, pattern = TEXT) {
  class Prices {
    get(data) {
      return data;
    }
    changed() {
      onEvent();
    }
  }
  decorate(Prices, 'get', MessagePattern(pattern));
  decorate(Prices, 'changed', EventPattern('price.changed'));
  return Prices;
}

function decorate(target, key, decorator) {
  Payload()(target.prototype, key, 0);
  decorator(target.prototype, key, Object.getOwnPropertyDescriptor(target.prototype, key));
}
