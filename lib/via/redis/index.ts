export { viaRedis } from './via-redis.js';
export type { RedisClient, ViaRedisOptions } from './via-redis.js';
