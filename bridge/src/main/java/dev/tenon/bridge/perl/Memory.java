package dev.tenon.bridge.perl;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which member made a caller's last call, and how often that changed. Callers that have been silent for long are dropped. */
final class Memory {
    private record Place(Member member, int moves) {}

    private final int most;
    private final Map<String, Place> places = new LinkedHashMap<>(16, 0.75f, true);
    private int forgotten;

    Memory(int most) {
        this.most = most;
    }

    @Nullable
    Member of(@Nullable String name) {
        Place place = name == null ? null : places.get(name);
        return place == null ? null : place.member();
    }

    /** Notes where it is now; returns a name that is another one after each move. */
    @Nullable
    String note(@Nullable String name, Member member) {
        if (name == null) {
            return null;
        }
        Place place = places.get(name);
        if (place == null || place.member() != member) {
            place = new Place(member, place == null ? forgotten : place.moves() + 1);
            places.put(name, place);
            if (places.size() > most) {
                Map.Entry<String, Place> eldest = places.entrySet().iterator().next();
                forgotten = Math.max(forgotten, eldest.getValue().moves() + 1);
                places.remove(eldest.getKey());
            }
        }
        return name + "." + place.moves();
    }
}
