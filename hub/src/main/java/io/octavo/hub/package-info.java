/**
 * The Hugging Face Hub protocol: records and a client. It comes with the publishing and Hub endpoint work;
 * until then this package only fixes its place.
 */
@NullMarked
package io.octavo.hub;

import org.jspecify.annotations.NullMarked;
