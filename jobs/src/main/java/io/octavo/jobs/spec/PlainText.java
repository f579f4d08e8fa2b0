package io.octavo.jobs.spec;

import io.octavo.jobs.problem.FieldError;
import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A text that looks like what it is: without controls, format characters (those that turn the direction of writing among
 * them), separators of lines and broken Unicode, by which one name is taken for another. Nothing is said of null.
 */
@Target({ElementType.FIELD, ElementType.METHOD, ElementType.PARAMETER, ElementType.TYPE_USE})
@Retention(RetentionPolicy.RUNTIME)
@Constraint(validatedBy = PlainText.Validator.class)
public @interface PlainText {

    /** Whether it may have several lines, and tabs. */
    boolean lines() default false;

    String message() default "";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};

    /** Looks at every character. */
    final class Validator implements ConstraintValidator<PlainText, String> {

        private static final Set<Integer> REFUSED = Set.of(
                (int) Character.CONTROL,
                (int) Character.FORMAT,
                (int) Character.SURROGATE,
                (int) Character.LINE_SEPARATOR,
                (int) Character.PARAGRAPH_SEPARATOR);

        private boolean lines;

        @Override
        public void initialize(PlainText constraint) {
            lines = constraint.lines();
        }

        @Override
        public boolean isValid(@Nullable String text, ConstraintValidatorContext context) {
            Optional<String> fault = text == null ? Optional.empty() : fault(text, lines);
            fault.ifPresent(message -> {
                context.disableDefaultConstraintViolation();
                context.buildConstraintViolationWithTemplate(message).addConstraintViolation();
            });
            return fault.isEmpty();
        }

        /** What is wrong with the text, with the character's place, from 1 on. */
        public static Optional<String> fault(String text, boolean lines) {
            int place = 0;
            for (int i = 0; i < text.length(); place++) {
                int character = text.codePointAt(i);
                boolean layout = character == '\n' || character == '\r' || character == '\t';
                if (REFUSED.contains(Character.getType(character)) && !(lines && layout)) {
                    return Optional.of("must not hold U+%04X, a control or format character, as its character %d"
                            .formatted(character, place + 1));
                }
                i += Character.charCount(character);
            }
            return Optional.empty();
        }

        /**
         * Of all texts in a body, names of members included.
         *
         * @param free members whose texts may be any
         */
        static List<FieldError> faults(JsonNode body, Set<String> free) {
            List<FieldError> faults = new ArrayList<>();
            collect(body, "", free, faults);
            return faults;
        }

        private static void collect(JsonNode value, String place, Set<String> free, List<FieldError> faults) {
            if (faults.size() >= Faults.MOST) {
                return;
            }
            if (value.isString()) {
                fault(value.stringValue(), false).ifPresent(message -> faults.add(new FieldError(place, message)));
            }
            for (int i = 0; value.isArray() && i < value.size(); i++) {
                collect(value.get(i), place + "[" + i + "]", free, faults);
            }
            value.forEachEntry((name, member) -> {
                Optional<String> fault = fault(name, false);
                String below = (place.isEmpty() ? "" : place + ".") + Faults.shorten(name);
                fault.ifPresent(message -> faults.add(new FieldError(place.isEmpty() ? "body" : place, message)));
                if (fault.isEmpty() && !free.contains(name)) {
                    collect(member, below, free, faults);
                }
            });
        }
    }
}
