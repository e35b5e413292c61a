package Tenon::Section;

use v5.36;

# By storage: what the plugin put into its section, and the section as it was then.
my %KEPT;

# Most plugins keep nothing, and then nobody needs to look.
our $IS_USED = 0;

sub put_back ($storeid, $section) {
    my $kept = defined($storeid) && $section ? $KEPT{$storeid} : undef;
    return if !$kept;
    if ($kept->{section} eq _text($section)) {
        $section->{$_} = $kept->{own}->{$_} for keys $kept->{own}->%*;
    } else {
        delete $KEPT{$storeid};
    }
    return;
}

sub keep ($storeid, $section, @keys) {
    return if !defined($storeid);
    my %came = map { $_ => 1 } @keys;
    my %own = map { $_ => $section->{$_} } grep { !$came{$_} } keys $section->%*;
    delete $KEPT{$storeid};
    $KEPT{$storeid} = { own => \%own, section => _text({ $section->%{@keys} }) } if %own;
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
same for all calls of an operation. Here every call brings a new one, so the keys are kept in the plugin's process and put
back until the storage's configuration changes.

=head1 FUNCTIONS

=head2 put_back

    Tenon::Section::put_back($storeid, $scfg) if $Tenon::Section::IS_USED;

Before a call: puts back what the plugin kept, unless the section is another than then.

=head2 keep

    Tenon::Section::keep($storeid, $scfg, @keys);

After a call: keeps what is there beside the keys that came.

=cut
