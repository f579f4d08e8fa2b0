/**
 * What the service says of itself at {@code /v3/api-docs}, where the generator cannot tell it from controllers.
 *
 * <p>Entry class: {@code OpenApiConfiguration}. A test sends requests made from the document and holds the answers
 * against it.
 */
@NullMarked
package io.octavo.api.openapi;

import org.jspecify.annotations.NullMarked;
