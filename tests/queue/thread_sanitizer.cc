// What ThreadSanitizer is not to report.

extern "C" const char* __tsan_default_suppressions();

// cnats reads a TLS connection in one thread while others write under its lock. When the connection
// ends, OpenSSL 3 answers the end of the stream with an alert, in the reader, out of the writers'
// buffer: what the two do to each other there ends with the connection.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libssl.so\n"
         "race:libcrypto.so\n";
}
