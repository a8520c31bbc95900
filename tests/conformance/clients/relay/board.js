// A fleet board, a dashboard's list and a live row, as Relay's compiler wants them.
import { graphql } from 'react-relay';

export const board = graphql`
  query boardQuery($count: Int!, $cursor: String) {
    ...board_stations @arguments(count: $count, cursor: $cursor)
  }
`;

export const list = graphql`
  fragment board_stations on Query
  @refetchable(queryName: "boardStationsPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    stations(first: $count, after: $cursor) @connection(key: "board_stations") {
      fleetCursor
      edges { node { id ...board_station } }
    }
  }
`;

export const station = graphql`
  fragment board_station on Station @refetchable(queryName: "boardStationAgainQuery") {
    id
    name
    vehiclesAvailable
    docksAvailable
    position { latitude longitude }
  }
`;

export const follow = graphql`
  subscription boardFollowSubscription($after: Cursor) {
    vehicleChanged(after: $after) {
      cursor
      change
      vehicle { id number state station { ...board_station } }
    }
  }
`;

export const rent = graphql`
  mutation boardRentMutation($input: StartRentalInput!) {
    startRental(input: $input) {
      rental { id startedAt vehicle { id state } }
      userErrors { code field message }
    }
  }
`;
