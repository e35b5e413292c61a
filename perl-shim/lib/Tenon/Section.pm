package Tenon::Section;

use v5.36;

use constant MOST => 64;

# By caller and storage: what the plugin put into its section, and the section as it was then. The last is the newest.
my (%KEPT, @ORDER);

# Most plugins keep nothing, and then there is nothing to look for.
our $IS_USED = 0;

sub _name ($caller, $storeid) {
    return ($caller // '') . "\0$storeid";
}

sub put_back ($caller, $storeid, $section) {
    return if !defined($storeid) || !$section;
    my $name = _name($caller, $storeid);
    my $kept = $KEPT{$name} // return;
    if ($kept->{section} eq _text($section)) {
        $section->{$_} = $kept->{own}->{$_} for keys $kept->{own}->%*;
    } else {
        delete $KEPT{$name};
    }
    return;
}

sub keep ($caller, $storeid, $section, @keys) {
    return if !defined($storeid);
    my $name = _name($caller, $storeid);
    my %came = map { $_ => 1 } @keys;
    my %own = map { $_ => $section->{$_} } grep { !$came{$_} } keys $section->%*;
    delete $KEPT{$name};
    @ORDER = grep { $_ ne $name } @ORDER;
    if (%own) {
        $KEPT{$name} = { own => \%own, section => _text({ $section->%{@keys} }) };
        push @ORDER, $name;
        delete $KEPT{ shift @ORDER } if @ORDER > MOST;
    }
    $IS_USED = keys %KEPT;
    return;
}

sub _text ($value) {
    return
         !defined($value) ? ''
        : ref($value) eq 'HASH' ? join("\1", map { ($_, _text($value->{$_})) } sort keys $value->%*)
        : ref($value) eq 'ARRAY' ? join("\1", map { _text($_) } $value->@*)
        : "$value";
}

1;

__END__

=head1 NAME

Tenon::Section - what a plugin keeps in the configuration of its storage

=head1 DESCRIPTION

Plugins put keys of their own into C<$scfg>, such as a session, and look for them in the next call; in PVE the hash is the
same for all calls of a process. Here every call brings a new one, so the keys are kept in the plugin's process, for each
process of a host that calls, and put back until the storage's configuration changes. Of the callers and storages that
something is kept for, the 64 that were last heard of are remembered.

=head1 FUNCTIONS

=head2 put_back

    Tenon::Section::put_back($caller, $storeid, $scfg) if $Tenon::Section::IS_USED;

Before a call: puts back what the plugin kept, unless the section is another than then. C<$caller> is any text, undef for the
daemon's own calls.

=head2 keep

    Tenon::Section::keep($caller, $storeid, $scfg, @keys);

After a call: keeps what is there beside the keys that came.

=cut
