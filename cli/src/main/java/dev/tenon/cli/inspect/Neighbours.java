package dev.tenon.cli.inspect;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Plugins that are installed on the same host: PVE has one name space for their types and one for their properties. */
final class Neighbours {
    private Neighbours() {}

    /** The same inspections, with the conflicts between these plugins. */
    static List<Inspection> collided(List<Inspection> inspections) {
        List<Inspection> collided = new ArrayList<>();
        for (Inspection own : inspections) {
            Inspection result = own;
            for (Inspection other : inspections) {
                if (!other.file().equals(own.file())) {
                    result = besides(result, other);
                }
            }
            collided.add(result);
        }
        return collided;
    }

    private static Inspection besides(Inspection own, Inspection other) {
        Inspection result = own;
        String name = own.fileName().equals(other.fileName()) ? other.file().toString() : other.fileName();
        String type = own.text("type");
        if (type != null && type.equals(other.text("type"))) {
            result = result.rejected(
                    "Its type '" + type + "' is that of " + other.file() + " too.",
                    "is of type '" + type + "', as " + name + " is, and PVE takes only one of them");
        }
        String packageName = own.text("package");
        if (packageName != null && packageName.equals(other.text("package"))) {
            result = result.rejected(
                    "Its class " + packageName + " is that of " + other.file() + " too.",
                    "is the class " + packageName + ", as " + name + " is, and a host has only one of them");
        }
        if (own.isIsolated() || other.isIsolated()) {
            return result;
        }
        for (String property : shared(own, other)) {
            result = result.rejected(
                    "It declares the property '" + property + "', which " + other.file() + " declares too.",
                    "keeps PVE from starting: " + name + " declares the property '" + property + "' too");
        }
        return result;
    }

    /** What both declare; if they were in one process, what the other still declared there. */
    private static Set<String> shared(Inspection own, Inspection other) {
        Set<String> shared = new TreeSet<>(own.names("properties"));
        Object there = own.object("neighbours").get(other.file().toString());
        shared.retainAll(there == null ? other.names("properties") : Inspection.strings(there));
        return shared;
    }

    /** The plugins that seem to collide with this one; in one process a family may agree on who declares what. */
    static List<Path> rivals(Inspection own, List<Inspection> inspections) {
        return inspections.stream()
                .filter(other ->
                        !other.file().equals(own.file()) && !shared(own, other).isEmpty())
                .map(Inspection::file)
                .toList();
    }

    /** The properties that this plugin's options borrow from the others. */
    static List<String> borrowed(Inspection own, List<Inspection> inspections) {
        Set<String> declared = new TreeSet<>();
        inspections.stream()
                .filter(other -> !other.file().equals(own.file()) && !other.isIsolated())
                .forEach(other -> declared.addAll(other.names("properties")));
        declared.retainAll(own.names("undeclared"));
        return List.copyOf(declared);
    }
}
