/**
 * The REST interface under /api/v1. Controllers translate; services of the jobs module decide.
 */
@NullMarked
package io.octavo.api;

import org.jspecify.annotations.NullMarked;
