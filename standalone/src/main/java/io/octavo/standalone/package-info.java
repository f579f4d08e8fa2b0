/**
 * The whole service in one process, on an embedded PostgreSQL and a folder of objects.
 */
@NullMarked
package io.octavo.standalone;

import org.jspecify.annotations.NullMarked;
