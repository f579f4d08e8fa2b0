package io.octavo.api.condition;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A call that shows one resource: its answer carries an ETag, by which changes of the resource, and of what lies below it
 * and has no tag of its own, can be made conditional.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Tagged {}
