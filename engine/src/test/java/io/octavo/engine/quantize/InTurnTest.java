package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

class InTurnTest {

    private final List<List<Integer>> groups = List.of(List.of(1, 2, 3), List.of(), List.of(4), List.of(5, 6));
    private final List<List<Integer>> begun = new ArrayList<>();

    @Test
    void takesOneOfEachGroupInTurn() {
        assertThat(all(4)).containsExactly(1, 4, 5, 2, 6, 3);
    }

    @Test
    void beginsAnotherGroupWhenOneIsExhausted() {
        assertThat(all(2)).containsExactly(1, 4, 2, 5, 3, 6);
        assertThat(all(1)).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void makesNoGroupBeforeThereIsRoom() {
        InTurn<List<Integer>, Integer> inTurn = inTurn(1);
        inTurn.next();
        inTurn.next();
        assertThat(begun).containsExactly(groups.getFirst());
    }

    @Test
    void endsWhereTheGroupsEnd() {
        InTurn<List<Integer>, Integer> empty = new InTurn<>(List.<List<Integer>>of(), 1, List::iterator);
        assertThat(empty.hasNext()).isFalse();
        assertThatThrownBy(empty::next).isInstanceOf(NoSuchElementException.class);
    }

    private List<Integer> all(int most) {
        var elements = new ArrayList<Integer>();
        inTurn(most).forEachRemaining(elements::add);
        return elements;
    }

    private InTurn<List<Integer>, Integer> inTurn(int most) {
        return new InTurn<>(groups, most, group -> {
            begun.add(group);
            return group.iterator();
        });
    }
}
