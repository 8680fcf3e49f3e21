/** Optional, and not installed here; `OpenTelemetryApi` says what is used of it. */
declare module '@opentelemetry/api';
