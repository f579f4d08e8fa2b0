/**
 * The whole service in one process, on an embedded PostgreSQL and an embedded S3 server.
 */
@NullMarked
package io.octavo.standalone;

import org.jspecify.annotations.NullMarked;
